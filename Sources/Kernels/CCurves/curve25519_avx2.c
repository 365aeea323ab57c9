// SPDX-License-Identifier: Apache-2.0
//
// GF(2^255 - 19) in four lanes, for processors without IFMA: ten limbs in 64-bit words, limb i at bit ⌈25.5·i⌉, so of
// 26 bits where i is even and of 25 where it is odd; products of 32 bits by vpmuludq.
// Bounds: with e = 2^-8, a *carried* element has limbs below (1 + e)·2^26 (even) and (1 + e)·2^25 (odd): every product,
// loaded element and constant is carried. Sums and differences are left as they are, below three times that: a
// difference adds 2p, whose limbs are below 2^27 and 2^26. That is the most a factor may have: 38 times an odd limb
// and 19 times an even one are then below 114·(1 + e)·2^25 < 2^32, and a column, at most 19·6.5 + 1 products of two
// such, is below 124.5·9·(1 + e)^2·2^52 < 2^63.
// Constant time: no branch and no address depends on a limb; what is done with them stands in curve25519_lanes.h.
// Twin: Curves/MontgomeryCurve.swift, compared bit for bit by Tests/PSITests.
#include "CCurves.h"
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>

#define LANES __attribute__((target("avx2")))
#define INLINE static inline __attribute__((always_inline)) LANES

typedef __m256i lane;
typedef struct { lane v[10]; } fe;

#define ADD _mm256_add_epi64
#define SUB _mm256_sub_epi64
#define AND _mm256_and_si256
#define OR _mm256_or_si256
#define MUL _mm256_mul_epu32
#define SHR(x, n) _mm256_srli_epi64((x), (n))
#define SHL(x, n) _mm256_slli_epi64((x), (n))
#define SET(x) _mm256_set1_epi64x((long long)(x))
#define BITS(i) ((i) % 2 ? 25 : 26)
#define MASK(i) SET((1ULL << BITS(i)) - 1)

// The optimizer would else fold a small multiple into each product it is used in.
#define KEEP(x) __asm__("" : "+x"(x))

int hutong_curves_has_avx2(void) { return __builtin_cpu_supports("avx2"); }

INLINE lane times19(lane x) { return ADD(ADD(SHL(x, 4), SHL(x, 1)), x); }

// Moves what limb i holds beyond its bits into the next; out of the last, 2^255 = 19.
INLINE void fe_pass(fe *a, int i) {
    lane beyond = SHR(a->v[i], BITS(i));
    a->v[i] = AND(a->v[i], MASK(i));
    if (i < 9) a->v[i + 1] = ADD(a->v[i + 1], beyond);
    else a->v[0] = ADD(a->v[0], times19(beyond));
}

// Columns below 2^63 to a carried element, by two chains at once. What a column passes on is below 2^38, out of the
// last 19 times that; so limb 0 passes below 2^17 and limb 4, the second time, below 2^13.
INLINE fe fe_carry(fe a) {
    fe_pass(&a, 0), fe_pass(&a, 4);
    fe_pass(&a, 1), fe_pass(&a, 5);
    fe_pass(&a, 2), fe_pass(&a, 6);
    fe_pass(&a, 3), fe_pass(&a, 7);
    fe_pass(&a, 4), fe_pass(&a, 8);
    fe_pass(&a, 9);
    fe_pass(&a, 0);
    return a;
}

INLINE fe fe_add(fe a, fe b) {
    fe r;
    for (int i = 0; i < 10; i++) r.v[i] = ADD(a.v[i], b.v[i]);
    return r;
}

INLINE fe fe_sub(fe a, fe b) {  // a + 2p - b for a carried b
    fe r;
    for (int i = 0; i < 10; i++) {
        uint64_t twice = (2ULL << BITS(i)) - (i == 0 ? 38 : 2);
        r.v[i] = SUB(ADD(a.v[i], SET(twice)), b.v[i]);
    }
    return r;
}

INLINE fe fe_mul(fe a, fe b) {
    // Two odd limbs meet half a bit early, so their product counts twice; columns from 10 on count 19 times.
    lane twice[10], wrapped[10];
    fe r;
    for (int i = 1; i < 10; i++) {
        wrapped[i] = MUL(b.v[i], SET(19));
        KEEP(wrapped[i]);
    }
    for (int i = 1; i < 10; i += 2) {
        twice[i] = ADD(a.v[i], a.v[i]);
        KEEP(twice[i]);
    }
#pragma clang loop unroll(full)
    for (int k = 0; k < 10; k++) {
        lane sum = MUL(a.v[0], b.v[k]);
#pragma clang loop unroll(full)
        for (int i = 1; i < 10; i++) {
            int j = (k + 10 - i) % 10;
            sum = ADD(sum, MUL(i % 2 && j % 2 ? twice[i] : a.v[i], i > k ? wrapped[j] : b.v[j]));
        }
        r.v[k] = sum;
    }
    return fe_carry(r);
}

INLINE fe fe_sqr(fe a) {
    // Pairs i < j once, with one factor doubled; then the squares.
    lane twice[10], wrapped[10];
    fe r;
    for (int i = 0; i < 10; i++) {
        twice[i] = ADD(a.v[i], a.v[i]);
        KEEP(twice[i]);
    }
    for (int i = 5; i < 10; i++) {
        wrapped[i] = MUL(a.v[i], SET(i % 2 ? 38 : 19));
        KEEP(wrapped[i]);
    }
#pragma clang loop unroll(full)
    for (int k = 0; k < 10; k++) {
        lane sum = SET(0);
#pragma clang loop unroll(full)
        for (int i = 0; i < 10; i++) {
            int j = (k + 10 - i) % 10;
            if (i > j) continue;
            // 38 times an odd limb is in `wrapped` already: what an even partner does not need doubles the pair.
            int odd = i % 2 && j % 2, folds = i > k;
            lane other = folds ? wrapped[j] : odd ? twice[j] : a.v[j];
            lane own = i == j || (folds && j % 2 && !odd) ? a.v[i] : twice[i];
            sum = ADD(sum, MUL(own, other));
        }
        r.v[k] = sum;
    }
    return fe_carry(r);
}

INLINE fe fe_small(fe a, uint64_t small) {  // small below 2^18
    for (int i = 0; i < 10; i++) a.v[i] = MUL(a.v[i], SET(small));
    return fe_carry(a);
}

INLINE fe fe_const(uint64_t low) {  // low below 2^26
    fe r;
    for (int i = 0; i < 10; i++) r.v[i] = SET(i == 0 ? low : 0);
    return r;
}

// The canonical value of every lane.
INLINE fe fe_canonical(fe a) {
    // In order, twice: what the first wraps is at most 3·19, so after the second every limb is within its bits.
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < 10; i++) fe_pass(&a, i);
    lane q = SET(19);  // 1 in the end where the value is p or more
    for (int i = 0; i < 10; i++) q = SHR(ADD(a.v[i], q), BITS(i));
    a.v[0] = ADD(a.v[0], times19(q));
    for (int i = 0; i < 9; i++) fe_pass(&a, i);
    a.v[9] = AND(a.v[9], MASK(9));
    return a;
}

// Four 32-byte elements; lanes at and after `count` read as 0 and are not written. The top bit is dropped.
INLINE fe fe_load(const uint8_t *p, size_t count) {
    uint64_t w[4][4] = {{0}};
    for (size_t i = 0; i < count; i++)
        for (int k = 0; k < 4; k++) memcpy(&w[k][i], p + 32 * i + 8 * k, 8);
    lane a = _mm256_loadu_si256((const lane *)w[0]), b = _mm256_loadu_si256((const lane *)w[1]),
         c = _mm256_loadu_si256((const lane *)w[2]), d = _mm256_loadu_si256((const lane *)w[3]);
    fe r = {{a, SHR(a, 26), OR(SHR(a, 51), SHL(b, 13)), SHR(b, 13), SHR(b, 38), c, SHR(c, 25),
             OR(SHR(c, 51), SHL(d, 13)), SHR(d, 12), SHR(d, 38)}};
    for (int i = 0; i < 10; i++) r.v[i] = AND(r.v[i], MASK(i));
    return r;
}

INLINE void fe_store(uint8_t *p, fe a, size_t count) {
    uint64_t w[4][4];
    a = fe_canonical(a);
    _mm256_storeu_si256((lane *)w[0], OR(OR(a.v[0], SHL(a.v[1], 26)), SHL(a.v[2], 51)));
    _mm256_storeu_si256((lane *)w[1], OR(OR(SHR(a.v[2], 13), SHL(a.v[3], 13)), SHL(a.v[4], 38)));
    _mm256_storeu_si256((lane *)w[2], OR(OR(a.v[5], SHL(a.v[6], 25)), SHL(a.v[7], 51)));
    _mm256_storeu_si256((lane *)w[3], OR(OR(SHR(a.v[7], 13), SHL(a.v[8], 12)), SHL(a.v[9], 38)));
    for (size_t i = 0; i < count; i++)
        for (int k = 0; k < 4; k++) memcpy(p + 32 * i + 8 * k, &w[k][i], 8);
}

typedef lane choice;  // all ones or zero in each lane

INLINE choice choice_of(uint8_t bits) {
    const lane own = _mm256_set_epi64x(8, 4, 2, 1);
    return _mm256_cmpeq_epi64(AND(SET(bits), own), own);
}

INLINE choice choice_or(choice a, choice b) { return OR(a, b); }

INLINE choice fe_is_zero(fe a) {
    a = fe_canonical(a);
    lane any = a.v[0];
    for (int i = 1; i < 10; i++) any = OR(any, a.v[i]);
    return _mm256_cmpeq_epi64(any, SET(0));
}

INLINE fe fe_blend(choice m, fe zero, fe one) {  // `one` where the mask is set
    fe r;
    for (int i = 0; i < 10; i++) r.v[i] = _mm256_blendv_epi8(zero.v[i], one.v[i], m);
    return r;
}

enum { WIDTH = 4 };
#define KERNEL(name) hutong_##name##_avx2
#include "curve25519_lanes.h"

#else

// The optimizer would else fold a small multiple into each product it is used in.
#define KEEP(x) __asm__("" : "+x"(x))

int hutong_curves_has_avx2(void) { return 0; }
void hutong_x25519_batch_avx2(void *u, const void *scalars, size_t stride, size_t count) {
    (void)u, (void)scalars, (void)stride, (void)count;
}
void hutong_elligator2_batch_avx2(void *r, size_t count) { (void)r, (void)count; }

#endif
