// SPDX-License-Identifier: Apache-2.0
//
// SM2 in eight lanes: GF(2^256 - 2^224 - 2^96 + 2^64 - 1) in Montgomery form with R = 2^260, five limbs of 52 bits,
// products by vpmadd52lo/hi. p = -1 mod 2^52, so a reduction's multiplier is the limb itself, and the rest of p has
// two limbs that are not 0 or -1.
// Bounds: every element is below 2.1 p and its limbs below 2^52 (the top one below 2^49). A product of two such is
// below 1.3 p; sums and differences are folded at bit 256 at once and come out below 1.1 p.
// Points: Jacobian, dbl-2001-b and add-2007-bl. The scalar is odd and written in 64 odd digits of a signed window, so
// no step meets the neutral element or its own operand but with the chance of guessing the scalar.
// Constant time: no branch and no address depends on a limb or a digit; every digit reads the whole table with masks.
// What is told: whether all x lie on the curve. Twin: Curves/WeierstrassCurve.swift, compared by Tests/PSITests.
#include "CCurves.h"
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>

#define IFMA __attribute__((target("avx512f,avx512ifma,avx512vl,avx512dq,avx512bw")))
#define INLINE static inline __attribute__((always_inline)) IFMA
#define APART static __attribute__((noinline)) IFMA

typedef __m512i lane;
typedef struct { lane v[5]; } fe;
typedef struct { fe x, y, z; } point;

#define ADD _mm512_add_epi64
#define SUB _mm512_sub_epi64
#define AND _mm512_and_si512
#define OR _mm512_or_si512
#define SHR(x, n) _mm512_srli_epi64((x), (n))
#define SHL(x, n) _mm512_slli_epi64((x), (n))
#define SAR(x, n) _mm512_srai_epi64((x), (n))
#define SET(x) _mm512_set1_epi64((long long)(x))
#define LO _mm512_madd52lo_epu64
#define HI _mm512_madd52hi_epu64
#define MASK52 SET((1ULL << 52) - 1)

typedef uint64_t words[5];
static const words P = {0xfffffffffffff, 0xff00000000fff, 0xfffffffffffff, 0xfffffffffffff, 0xfffffffeffff};
// Montgomery forms: R^2 mod p, 1, b, b/3 and Z = -9 of the map; 9 and its root 3.
static const words R2 = {0x20000000300, 0xffffffff00000, 0x100000002, 0x200000001000, 0x4000000};
static const words ONE = {0x10, 0xffffffff0000, 0, 0, 0x100000};
static const words B = {0x30632bc0dd422, 0xb09b537ab70d2, 0xa51c3c71cf379, 0x2c8527981505e, 0x40fe188da20e};
static const words THIRD = {0xbacbb94049c0b, 0x3a891bd392af0, 0xe1b41425efbd3, 0xb981b7dd5c574, 0x6aff5d843604};
static const words SSWU = {0xfffffffffff6f, 0x6f00000090fff, 0xfffffffffffff, 0xfffffffffffff, 0xffffff6effff};
static const words NINE = {0x90, 0x8fffffff70000, 0, 0, 0x900000};
static const words THREE = {0x30, 0x2fffffffd0000, 0, 0, 0x300000};

INLINE fe fe_const(const words w) {
    fe r;
    for (int i = 0; i < 5; i++) r.v[i] = SET(w[i]);
    return r;
}

INLINE fe fe_chain52(fe a) {  // limbs 0…3 below 2^52; a limb may be below zero, the whole not
    for (int i = 0; i < 4; i++) {
        a.v[i + 1] = ADD(a.v[i + 1], SAR(a.v[i], 52));
        a.v[i] = AND(a.v[i], MASK52);
    }
    return a;
}

// 2^256 = 2^224 + 2^96 - 2^64 + 1: what the top limb holds beyond 48 bits goes there. Limbs below 2^58.
INLINE fe fe_fold(fe a) {
    lane q = SHR(a.v[4], 48);
    a.v[0] = ADD(a.v[0], q);
    a.v[1] = ADD(a.v[1], SUB(SHL(q, 44), SHL(q, 12)));
    a.v[4] = ADD(AND(a.v[4], SET((1ULL << 48) - 1)), SHL(q, 16));
    return fe_chain52(a);
}

INLINE fe fe_add(fe a, fe b) {
    fe r;
    for (int i = 0; i < 5; i++) r.v[i] = ADD(a.v[i], b.v[i]);
    return fe_fold(r);
}

INLINE fe fe_triple(fe a) {
    fe r;
    for (int i = 0; i < 5; i++) r.v[i] = ADD(a.v[i], SHL(a.v[i], 1));
    return fe_fold(r);
}

// 2^m·a - 2^n·b for m and n up to 3; with 4p for each b no limb is below zero.
INLINE fe fe_less(fe a, int m, fe b, int n) {
    fe r;
    for (int i = 0; i < 5; i++) r.v[i] = ADD(SHL(a.v[i], m), SUB(SET(4 * P[i] << n), SHL(b.v[i], n)));
    return fe_fold(r);
}

INLINE fe fe_sub(fe a, fe b) { return fe_less(a, 0, b, 0); }

// a - b - 2^n·c for n up to 3.
INLINE fe fe_less_both(fe a, fe b, fe c, int n) {
    fe r;
    for (int i = 0; i < 5; i++) {
        lane rest = ADD(b.v[i], SHL(c.v[i], n));
        r.v[i] = ADD(a.v[i], SUB(SET((4 * P[i] << n) + 4 * P[i]), rest));
    }
    return fe_fold(r);
}

// Columns below 2^57 to an element: five steps, each of which clears one column by adding m·p to it and those above.
// With p + 1 = 2^256 - 2^224 - 2^96 + 2^64 that is m·(2^104 - 2^96 + 2^64) and m·(2^256 - 2^224), each by one limb, less
// m·2^104 and the m that clears. A column may be below zero meanwhile: its carry is arithmetic.
INLINE fe fe_reduce(lane *c) {
    const lane low = SET((1ULL << 52) - (1ULL << 44) + (1ULL << 12)), high = SET((1ULL << 48) - (1ULL << 16));
#pragma clang loop unroll(full)
    for (int i = 0; i < 5; i++) {
        lane m = AND(c[i], MASK52);
        c[i + 1] = LO(ADD(c[i + 1], SAR(c[i], 52)), m, low);
        c[i + 2] = HI(SUB(c[i + 2], m), m, low);
        c[i + 4] = LO(c[i + 4], m, high);
        c[i + 5] = HI(c[i + 5], m, high);
    }
    fe r = {{c[5], c[6], c[7], c[8], c[9]}};
    return fe_chain52(r);
}

INLINE fe fe_mul(fe a, fe b) {
    lane lo[10], hi[10];
    for (int k = 0; k < 10; k++) lo[k] = hi[k] = _mm512_setzero_si512();
#pragma clang loop unroll(full)
    for (int i = 0; i < 5; i++)
#pragma clang loop unroll(full)
        for (int j = 0; j < 5; j++) {
            lo[i + j] = LO(lo[i + j], a.v[i], b.v[j]);
            hi[i + j + 1] = HI(hi[i + j + 1], a.v[i], b.v[j]);
        }
    for (int k = 0; k < 10; k++) lo[k] = ADD(lo[k], hi[k]);
    return fe_reduce(lo);
}

INLINE fe fe_sqr(fe a) {
    lane lo[10], hi[10];
    for (int k = 0; k < 10; k++) lo[k] = hi[k] = _mm512_setzero_si512();
#pragma clang loop unroll(full)
    for (int i = 0; i < 5; i++)
#pragma clang loop unroll(full)
        for (int j = i + 1; j < 5; j++) {
            lo[i + j] = LO(lo[i + j], a.v[i], a.v[j]);
            hi[i + j + 1] = HI(hi[i + j + 1], a.v[i], a.v[j]);
        }
    for (int k = 0; k < 10; k++) {
        lane once = ADD(lo[k], hi[k]);
        lo[k] = ADD(once, once);
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < 5; i++) {
        lo[2 * i] = LO(lo[2 * i], a.v[i], a.v[i]);
        lo[2 * i + 1] = HI(lo[2 * i + 1], a.v[i], a.v[i]);
    }
    return fe_reduce(lo);
}

APART fe fe_sqrn(fe a, int n) {
    for (int i = 0; i < n; i++) a = fe_sqr(a);
    return a;
}

// x^((p+1)/4), where (p+1)/4 = (2^32 - 1)·(2^160 - 1)·2^62: a root of x, or of -x.
APART fe fe_root(fe x) {
    fe a = fe_mul(fe_sqr(x), x);
    for (int n = 2; n < 32; n *= 2) a = fe_mul(fe_sqrn(a, n), a);
    fe one = a, five, all;
    a = fe_mul(fe_sqr(one), one);                    // 2 ones
    a = fe_mul(fe_sqrn(a, 2), a);                    // 4
    five = fe_mul(fe_sqr(a), one);                   // 5
    all = fe_mul(fe_sqrn(five, 5), five);            // 10
    for (int n = 10; n < 160; n *= 2) all = fe_mul(fe_sqrn(all, n), all);
    return fe_sqrn(all, 62);
}

// x^(p-2); the exponent is public.
APART fe fe_inverse(fe x) {
    static const uint64_t exponent[4] = {0xfffffffffffffffd, 0xffffffff00000000, 0xffffffffffffffff,
                                         0xfffffffeffffffff};
    fe r = x;
    for (int bit = 254; bit >= 0; bit--) {
        r = fe_sqr(r);
        if (exponent[bit / 64] >> (bit % 64) & 1) r = fe_mul(r, x);
    }
    return r;
}

// The value below p of every lane, out of Montgomery form.
INLINE fe fe_canonical(fe a) {
    lane c[10];
    for (int k = 0; k < 10; k++) c[k] = k < 5 ? a.v[k] : _mm512_setzero_si512();
    fe r = fe_reduce(c), less = r;  // at most p
    less.v[0] = ADD(r.v[0], SET(1));
    less.v[1] = ADD(r.v[1], SET((1ULL << 44) - (1ULL << 12)));
    less.v[4] = ADD(r.v[4], SET(1ULL << 16));
    less = fe_chain52(less);  // r + 2^256 - p: bit 256 is set where r is p
    __mmask8 over = _mm512_test_epi64_mask(less.v[4], SET(1ULL << 48));
    less.v[4] = AND(less.v[4], SET((1ULL << 48) - 1));
    for (int i = 0; i < 5; i++) r.v[i] = _mm512_mask_blend_epi64(over, r.v[i], less.v[i]);
    return r;
}

INLINE __mmask8 fe_is_zero(fe a) {
    a = fe_canonical(a);
    lane any = OR(OR(OR(a.v[0], a.v[1]), OR(a.v[2], a.v[3])), a.v[4]);
    return _mm512_testn_epi64_mask(any, any);
}

INLINE fe fe_blend(__mmask8 m, fe zero, fe one) {  // `one` where the mask is set
    fe r;
    for (int i = 0; i < 5; i++) r.v[i] = _mm512_mask_blend_epi64(m, zero.v[i], one.v[i]);
    return r;
}

// Eight big-endian elements into Montgomery form; lanes at and after `count` repeat the first.
INLINE fe fe_load(const uint8_t *p, size_t count) {
    uint64_t w[4][8];
    for (size_t i = 0; i < 8; i++)
        for (int k = 0; k < 4; k++) {
            uint64_t word;
            memcpy(&word, p + 32 * (i < count ? i : 0) + 8 * (3 - k), 8);
            w[k][i] = __builtin_bswap64(word);
        }
    lane a = _mm512_loadu_si512(w[0]), b = _mm512_loadu_si512(w[1]), c = _mm512_loadu_si512(w[2]),
         d = _mm512_loadu_si512(w[3]);
    fe r = {{AND(a, MASK52), AND(OR(SHR(a, 52), SHL(b, 12)), MASK52), AND(OR(SHR(b, 40), SHL(c, 24)), MASK52),
             AND(OR(SHR(c, 28), SHL(d, 36)), MASK52), SHR(d, 16)}};
    return fe_mul(r, fe_const(R2));
}

INLINE void fe_store(uint8_t *p, fe a, size_t count) {
    uint64_t w[4][8];
    a = fe_canonical(a);
    _mm512_storeu_si512(w[0], OR(a.v[0], SHL(a.v[1], 52)));
    _mm512_storeu_si512(w[1], OR(SHR(a.v[1], 12), SHL(a.v[2], 40)));
    _mm512_storeu_si512(w[2], OR(SHR(a.v[2], 24), SHL(a.v[3], 28)));
    _mm512_storeu_si512(w[3], OR(SHR(a.v[3], 36), SHL(a.v[4], 16)));
    for (size_t i = 0; i < count; i++)
        for (int k = 0; k < 4; k++) {
            uint64_t word = __builtin_bswap64(w[k][i]);
            memcpy(p + 32 * i + 8 * (3 - k), &word, 8);
        }
}

// Points go in pairs: the products of one fill the time in which the other waits for its own.
enum { PAIR = 2 };
#define EACH for (int k = 0; k < PAIR; k++)
#define BOTH(name, value) fe name[PAIR]; EACH name[k] = (value)

APART void twice(point *p) {
    BOTH(delta, fe_sqr(p[k].z));
    BOTH(gamma, fe_sqr(p[k].y));
    BOTH(beta, fe_mul(p[k].x, gamma[k]));
    BOTH(t, fe_mul(fe_sub(p[k].x, delta[k]), fe_add(p[k].x, delta[k])));
    BOTH(alpha, fe_triple(t[k]));
    EACH p[k].x = fe_less(fe_sqr(alpha[k]), 0, beta[k], 3);
    EACH p[k].z = fe_less_both(fe_sqr(fe_add(p[k].y, p[k].z)), gamma[k], delta[k], 0);
    BOTH(square, fe_sqr(gamma[k]));
    EACH p[k].y = fe_less(fe_mul(alpha[k], fe_less(beta[k], 2, p[k].x, 0)), 0, square[k], 3);
}

// p += q
APART void add(point *p, const point *q) {
    BOTH(zz1, fe_sqr(p[k].z));
    BOTH(zz2, fe_sqr(q[k].z));
    BOTH(u1, fe_mul(p[k].x, zz2[k]));
    BOTH(u2, fe_mul(q[k].x, zz1[k]));
    BOTH(yz1, fe_mul(p[k].y, q[k].z));
    BOTH(yz2, fe_mul(q[k].y, p[k].z));
    BOTH(s1, fe_mul(yz1[k], zz2[k]));
    BOTH(s2, fe_mul(yz2[k], zz1[k]));
    BOTH(h, fe_sub(u2[k], u1[k]));
    BOTH(i, fe_sqr(fe_less(u2[k], 1, u1[k], 1)));
    BOTH(z, fe_less_both(fe_sqr(fe_add(p[k].z, q[k].z)), zz1[k], zz2[k], 0));
    BOTH(j, fe_mul(h[k], i[k]));
    BOTH(v, fe_mul(u1[k], i[k]));
    BOTH(w, fe_less(s2[k], 1, s1[k], 1));
    EACH p[k].z = fe_mul(z[k], h[k]);
    EACH p[k].x = fe_less_both(fe_sqr(w[k]), j[k], v[k], 1);
    BOTH(sj, fe_mul(s1[k], j[k]));
    EACH p[k].y = fe_less(fe_mul(w[k], fe_sub(v[k], p[k].x)), 0, sj[k], 1);
}

// table[(|digit| - 1) / 2] with the digit's sign; the digit is odd, -15…15, the same in all lanes.
INLINE point pick(const point *table, int digit) {
    uint64_t negative = (uint64_t)(int64_t)digit >> 63;
    uint64_t size = ((uint64_t)(int64_t)digit ^ (0 - negative)) + negative, index = size >> 1;
    point r;
    memset(&r, 0, sizeof r);
    for (uint64_t k = 0; k < 8; k++) {
        lane mask = SET(0 - (((k ^ index) - 1) >> 63));
        for (int i = 0; i < 5; i++) {
            r.x.v[i] = OR(r.x.v[i], AND(mask, table[k].x.v[i]));
            r.y.v[i] = OR(r.y.v[i], AND(mask, table[k].y.v[i]));
            r.z.v[i] = OR(r.z.v[i], AND(mask, table[k].z.v[i]));
        }
    }
    const words none = {0};
    r.y = fe_blend((__mmask8)(0 - negative), r.y, fe_sub(fe_const(none), r.y));
    return r;
}

// Joye and Tunstall 2009: an odd number as 64 odd digits to base 16, the last of them positive.
static void recode(const uint8_t *scalar, int8_t *digits) {
    for (int i = 0; i < 64; i++) {
        int low = scalar[31 - i / 2] >> (4 * (i % 2)) & 15;
        int next = i == 63 ? 1 : scalar[31 - (i + 1) / 2] >> (4 * ((i + 1) % 2)) & 1;
        // (k >> 4i | 1) mod 32, less 16; above the top digit the 16 stays.
        digits[i] = (int8_t)((low | 1) + 16 * next - 16);
    }
}

APART void multiply(point *p, const int8_t *digits) {
    point table[PAIR][8], two[PAIR], next[PAIR];
    EACH two[k] = table[k][0] = next[k] = p[k];
    twice(two);
    for (int entry = 1; entry < 8; entry++) {
        add(next, two);
        EACH table[k][entry] = next[k];
    }
    EACH p[k] = pick(table[k], digits[63]);
    for (int i = 62; i >= 0; i--) {
        for (int doublings = 0; doublings < 4; doublings++) twice(p);
        EACH next[k] = pick(table[k], digits[i]);
        add(p, next);
    }
}

enum { BATCH = 32 };  // an even number of vectors

// x/z² of up to BATCH vectors by one inversion (Montgomery's trick).
static IFMA void divide(point *r, size_t n) {
    fe prefix[BATCH], running = fe_const(ONE);
    for (size_t i = 0; i < n; i++) {
        prefix[i] = running;
        running = fe_mul(running, r[i].z);
    }
    fe inverse = fe_inverse(running);
    for (size_t i = n; i-- > 0;) {
        fe own = fe_mul(inverse, prefix[i]);
        inverse = fe_mul(inverse, r[i].z);
        r[i].x = fe_mul(r[i].x, fe_sqr(own));
    }
}

INLINE fe right(fe x) {  // x³ - 3x + b
    return fe_add(fe_mul(fe_sub(fe_sqr(x), fe_const(THREE)), x), fe_const(B));
}

// Simplified SWU of RFC 9380 §6.6.2 without division: x = n/d with z = d, one root for both candidates (F.2.1.2).
APART point mapped(fe u) {
    fe zu = fe_mul(fe_const(SSWU), fe_sqr(u)), tail = fe_add(fe_sqr(zu), zu);
    fe n = fe_mul(fe_const(THIRD), fe_add(tail, fe_const(ONE)));
    fe d = fe_blend(fe_is_zero(tail), tail, fe_const(NINE)), dd = fe_sqr(d);
    // g(n/d)·d⁴ = (n³ - 3nd² + bd³)·d
    fe three = fe_triple(dd);
    fe g = fe_add(fe_mul(fe_sub(fe_sqr(n), three), n), fe_mul(fe_const(B), fe_mul(dd, d)));
    fe square = fe_mul(g, d), root = fe_root(square);
    __mmask8 first = fe_is_zero(fe_sub(fe_sqr(root), square));
    fe other = fe_mul(fe_mul(fe_mul(zu, u), fe_const(THREE)), root);
    point r;
    r.x = fe_mul(fe_blend(first, fe_mul(zu, n), n), d);
    r.y = fe_mul(fe_blend(first, other, root), d);
    r.z = d;
    return r;
}

INLINE size_t lanes(size_t count, size_t start) { return count - start < 8 ? count - start : 8; }

static int is_canonical(const uint8_t *x) {
    static const uint8_t prime[32] = {0xff, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0,    0,
                                      0,    0,    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    return memcmp(x, prime, 32) < 0;  // x is the peer's message or about to be one
}

// Points of one batch, multiplied and written as x-coordinates.
static IFMA void finish(uint8_t *p, point *r, size_t n, size_t start, size_t count, const int8_t *digits) {
    if (n % PAIR) r[n] = r[n - 1];
    for (size_t k = 0; k < n; k += PAIR) multiply(r + k, digits);
    divide(r, n);
    for (size_t k = 0; k < n; k++) fe_store(p + 32 * (start + 8 * k), r[k].x, lanes(count, start + 8 * k));
}

IFMA int hutong_sm2_multiply_batch(void *x, const void *scalar, size_t count) {
    uint8_t *p = x;
    int8_t digits[64];
    int isValid = 1;
    recode(scalar, digits);
    for (size_t i = 0; i < count; i++) isValid &= is_canonical(p + 32 * i);
    for (size_t start = 0; start < count && isValid; start += 8 * BATCH) {
        point r[BATCH];
        size_t n = 0;
        for (size_t at = start; at < count && n < BATCH; at += 8, n++) {
            r[n].x = fe_load(p + 32 * at, lanes(count, at));
            fe square = right(r[n].x);
            r[n].y = fe_root(square);
            r[n].z = fe_const(ONE);
            isValid &= fe_is_zero(fe_sub(fe_sqr(r[n].y), square)) == 0xff;
        }
        if (isValid) finish(p, r, n, start, count, digits);
    }
    memset(digits, 0, sizeof digits);
    __asm__ volatile("" : : "r"(digits) : "memory");  // the wipe is not dead
    return isValid;
}

IFMA void hutong_sm2_mask_batch(void *elements, const void *scalar, size_t count) {
    uint8_t *p = elements;
    int8_t digits[64];
    recode(scalar, digits);
    for (size_t start = 0; start < count; start += 8 * BATCH) {
        point r[BATCH];
        size_t n = 0;
        for (size_t at = start; at < count && n < BATCH; at += 8, n++)
            r[n] = mapped(fe_load(p + 32 * at, lanes(count, at)));
        finish(p, r, n, start, count, digits);
    }
    memset(digits, 0, sizeof digits);
    __asm__ volatile("" : : "r"(digits) : "memory");  // the wipe is not dead
}

#else

int hutong_sm2_multiply_batch(void *x, const void *scalar, size_t count) {
    (void)x, (void)scalar, (void)count;
    return 0;
}
void hutong_sm2_mask_batch(void *elements, const void *scalar, size_t count) {
    (void)elements, (void)scalar, (void)count;
}

#endif
