// SPDX-License-Identifier: Apache-2.0
//
// GF(2^255 - 19) in eight lanes: five limbs of 51 bits in 64-bit words, products by vpmadd52lo/hi.
// Bounds: every function takes and gives limbs below 2^51 + 2^15.
// Constant time: no branch and no address depends on a limb; what is done with them stands in curve25519_lanes.h.
// Twin: Curves/MontgomeryCurve.swift, compared bit for bit by Tests/PSITests.
#include "CCurves.h"
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>

#define LANES __attribute__((target("avx512f,avx512ifma,avx512vl,avx512dq,avx512bw")))
#define INLINE static inline __attribute__((always_inline)) LANES

typedef __m512i lane;
typedef struct { lane v[5]; } fe;

#define ADD _mm512_add_epi64
#define SUB _mm512_sub_epi64
#define AND _mm512_and_si512
#define SHR(x, n) _mm512_srli_epi64((x), (n))
#define SHL(x, n) _mm512_slli_epi64((x), (n))
#define SET(x) _mm512_set1_epi64((long long)(x))
#define LO _mm512_madd52lo_epu64
#define HI _mm512_madd52hi_epu64

int hutong_curves_has_ifma(void) {
    return __builtin_cpu_supports("avx512ifma") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
}

// Limbs below 2^51 + a little.
INLINE fe fe_carry(fe a) {
    const lane mask = SET((1ULL << 51) - 1);
    lane c0 = SHR(a.v[0], 51), c1 = SHR(a.v[1], 51), c2 = SHR(a.v[2], 51), c3 = SHR(a.v[3], 51),
         c4 = SHR(a.v[4], 51);
    c4 = ADD(ADD(SHL(c4, 4), SHL(c4, 1)), c4);  // 19·c4
    fe r = {{ADD(AND(a.v[0], mask), c4), ADD(AND(a.v[1], mask), c0), ADD(AND(a.v[2], mask), c1),
             ADD(AND(a.v[3], mask), c2), ADD(AND(a.v[4], mask), c3)}};
    return r;
}

INLINE fe fe_add(fe a, fe b) {
    fe r;
    for (int i = 0; i < 5; i++) r.v[i] = ADD(a.v[i], b.v[i]);
    return fe_carry(r);
}

INLINE fe fe_sub(fe a, fe b) {  // a + 4p - b
    fe r;
    for (int i = 0; i < 5; i++)
        r.v[i] = SUB(ADD(a.v[i], SET(i == 0 ? 0x1fffffffffffb4ULL : 0x1ffffffffffffcULL)), b.v[i]);
    return fe_carry(r);
}

INLINE fe fe_fold(const lane *lo, const lane *hi) {
    // Column k is lo[k] + 2·hi[k-1] (a high half weighs 2^52 = 2·2^51), below 2^56; columns 5…9 fold by 19.
    fe r;
    for (int k = 0; k < 5; k++) {
        lane low = k == 0 ? lo[0] : ADD(lo[k], ADD(hi[k - 1], hi[k - 1]));
        lane top = k == 4 ? ADD(hi[8], hi[8]) : ADD(lo[k + 5], ADD(hi[k + 4], hi[k + 4]));
        r.v[k] = ADD(low, ADD(ADD(SHL(top, 4), SHL(top, 1)), top));
    }
    return fe_carry(r);  // columns below 2^61, so carries below 2^10 and limbs below 2^51 + 2^15
}

INLINE fe fe_mul(fe a, fe b) {
    lane lo[9], hi[9];
    for (int k = 0; k < 9; k++) lo[k] = hi[k] = _mm512_setzero_si512();
#pragma clang loop unroll(full)
    for (int i = 0; i < 5; i++)
#pragma clang loop unroll(full)
        for (int j = 0; j < 5; j++) {
            lo[i + j] = LO(lo[i + j], a.v[i], b.v[j]);
            hi[i + j] = HI(hi[i + j], a.v[i], b.v[j]);
        }
    return fe_fold(lo, hi);
}

INLINE fe fe_sqr(fe a) {
    lane lo[9], hi[9];
    for (int k = 0; k < 9; k++) lo[k] = hi[k] = _mm512_setzero_si512();
    // Cross products once, doubled after; then the squares.
#pragma clang loop unroll(full)
    for (int i = 0; i < 5; i++)
#pragma clang loop unroll(full)
        for (int j = i + 1; j < 5; j++) {
            lo[i + j] = LO(lo[i + j], a.v[i], a.v[j]);
            hi[i + j] = HI(hi[i + j], a.v[i], a.v[j]);
        }
    for (int k = 1; k < 8; k++) {
        lo[k] = ADD(lo[k], lo[k]);
        hi[k] = ADD(hi[k], hi[k]);
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < 5; i++) {
        lo[2 * i] = LO(lo[2 * i], a.v[i], a.v[i]);
        hi[2 * i] = HI(hi[2 * i], a.v[i], a.v[i]);
    }
    return fe_fold(lo, hi);
}

INLINE fe fe_small(fe a, uint64_t small) {  // small below 2^18
    fe r;
    lane s = SET(small), low[5], high[5];
    for (int i = 0; i < 5; i++) {
        low[i] = LO(_mm512_setzero_si512(), a.v[i], s);
        high[i] = HI(_mm512_setzero_si512(), a.v[i], s);
    }
    for (int i = 0; i < 5; i++) {
        lane h = high[(i + 4) % 5];
        h = ADD(h, h);
        if (i == 0) h = ADD(ADD(SHL(h, 4), SHL(h, 1)), h);
        r.v[i] = ADD(low[i], h);
    }
    return fe_carry(r);
}

INLINE fe fe_const(uint64_t low) {
    fe r;
    for (int i = 0; i < 5; i++) r.v[i] = SET(i == 0 ? low : 0);
    return r;
}

// The canonical value of every lane.
INLINE fe fe_canonical(fe a) {
    const lane mask = SET((1ULL << 51) - 1);
    a = fe_carry(fe_carry(a));
    for (int pass = 0; pass < 2; pass++) {  // sequential, so that every limb is below 2^51
        for (int i = 0; i < 4; i++) {
            a.v[i + 1] = ADD(a.v[i + 1], SHR(a.v[i], 51));
            a.v[i] = AND(a.v[i], mask);
        }
        lane c = SHR(a.v[4], 51);
        a.v[4] = AND(a.v[4], mask);
        a.v[0] = ADD(a.v[0], ADD(ADD(SHL(c, 4), SHL(c, 1)), c));
    }
    lane q = SHR(ADD(a.v[0], SET(19)), 51);
    for (int i = 1; i < 5; i++) q = SHR(ADD(a.v[i], q), 51);
    a.v[0] = ADD(a.v[0], ADD(ADD(SHL(q, 4), SHL(q, 1)), q));
    for (int i = 0; i < 4; i++) {
        a.v[i + 1] = ADD(a.v[i + 1], SHR(a.v[i], 51));
        a.v[i] = AND(a.v[i], mask);
    }
    a.v[4] = AND(a.v[4], mask);
    return a;
}

// Eight 32-byte elements; lanes at and after `count` read as 0 and are not written.
INLINE fe fe_load(const uint8_t *p, size_t count) {
    uint64_t w[4][8] = {{0}};
    for (size_t i = 0; i < count; i++)
        for (int k = 0; k < 4; k++) memcpy(&w[k][i], p + 32 * i + 8 * k, 8);
    lane a = _mm512_loadu_si512(w[0]), b = _mm512_loadu_si512(w[1]), c = _mm512_loadu_si512(w[2]),
         d = _mm512_loadu_si512(w[3]);
    const lane mask = SET((1ULL << 51) - 1);
    fe r = {{AND(a, mask), AND(_mm512_or_si512(SHR(a, 51), SHL(b, 13)), mask),
             AND(_mm512_or_si512(SHR(b, 38), SHL(c, 26)), mask),
             AND(_mm512_or_si512(SHR(c, 25), SHL(d, 39)), mask), AND(SHR(d, 12), mask)}};
    return r;
}

INLINE void fe_store(uint8_t *p, fe a, size_t count) {
    uint64_t w[4][8];
    a = fe_canonical(a);
    _mm512_storeu_si512(w[0], _mm512_or_si512(a.v[0], SHL(a.v[1], 51)));
    _mm512_storeu_si512(w[1], _mm512_or_si512(SHR(a.v[1], 13), SHL(a.v[2], 38)));
    _mm512_storeu_si512(w[2], _mm512_or_si512(SHR(a.v[2], 26), SHL(a.v[3], 25)));
    _mm512_storeu_si512(w[3], _mm512_or_si512(SHR(a.v[3], 39), SHL(a.v[4], 12)));
    for (size_t i = 0; i < count; i++)
        for (int k = 0; k < 4; k++) memcpy(p + 32 * i + 8 * k, &w[k][i], 8);
}

typedef __mmask8 choice;  // a bit a lane

INLINE choice choice_of(uint8_t bits) { return bits; }
INLINE choice choice_or(choice a, choice b) { return a | b; }

INLINE choice fe_is_zero(fe a) {
    a = fe_canonical(a);
    lane any = _mm512_or_si512(_mm512_or_si512(_mm512_or_si512(a.v[0], a.v[1]), _mm512_or_si512(a.v[2], a.v[3])), a.v[4]);
    return _mm512_testn_epi64_mask(any, any);
}

INLINE fe fe_blend(choice m, fe zero, fe one) {  // `one` where the mask is set
    fe r;
    for (int i = 0; i < 5; i++) r.v[i] = _mm512_mask_blend_epi64(m, zero.v[i], one.v[i]);
    return r;
}

enum { WIDTH = 8 };
#define KERNEL(name) hutong_##name##_ifma
#include "curve25519_lanes.h"

#else

int hutong_curves_has_ifma(void) { return 0; }
void hutong_x25519_batch_ifma(void *u, const void *scalars, size_t stride, size_t count) {
    (void)u, (void)scalars, (void)stride, (void)count;
}
void hutong_elligator2_batch_ifma(void *r, size_t count) { (void)r, (void)count; }

#endif
