// SPDX-License-Identifier: Apache-2.0
//
// What is done with field elements in lanes, whatever their limbs: the ladder of RFC 7748 §5, one inversion for many
// (Montgomery's trick) and Elligator 2 of RFC 9380 §6.7.1. Read by curve25519_ifma.c and curve25519_avx2.c, each
// of which says before: LANES, INLINE, WIDTH (lanes a vector), KERNEL(name), fe and its arithmetic, and choice, a mask
// of lanes.
// What is asked of the arithmetic: a factor may be a sum of up to three products (or loaded elements), or one less
// another; what is subtracted is a product or a loaded element.
// Constant time: no branch and no address depends on an element or a scalar bit; swaps are masked blends.

static LANES __attribute__((noinline)) fe fe_sqrn(fe a, int n) {
    for (int i = 0; i < n; i++) a = fe_sqr(a);
    return a;
}

// x^(2^250 - 1); x^11 goes to *eleven.
static LANES __attribute__((noinline)) fe fe_chain(fe x, fe *eleven) {
    fe x2 = fe_sqr(x), x9 = fe_mul(fe_sqrn(x2, 2), x), x11 = fe_mul(x9, x2);
    fe e5 = fe_mul(fe_sqr(x11), x9), e10 = fe_mul(fe_sqrn(e5, 5), e5), e20 = fe_mul(fe_sqrn(e10, 10), e10);
    fe e40 = fe_mul(fe_sqrn(e20, 20), e20), e50 = fe_mul(fe_sqrn(e40, 10), e10);
    fe e100 = fe_mul(fe_sqrn(e50, 50), e50), e200 = fe_mul(fe_sqrn(e100, 100), e100);
    *eleven = x11;
    return fe_mul(fe_sqrn(e200, 50), e50);
}

typedef struct { fe x, z; } ratio;

// One ladder for all lanes; bits[t] holds the lanes' scalar bits t.
static LANES __attribute__((noinline)) ratio ladder(fe u, const uint8_t *bits) {
    fe x2 = fe_const(1), z2 = fe_const(0), x3 = u, z3 = fe_const(1);
    uint8_t swapped = 0;
    for (int t = 254; t >= 0; t--) {
        choice m = choice_of(swapped ^ bits[t]);
        swapped = bits[t];
        fe s = x2;
        x2 = fe_blend(m, x2, x3);
        x3 = fe_blend(m, x3, s);
        s = z2;
        z2 = fe_blend(m, z2, z3);
        z3 = fe_blend(m, z3, s);
        fe a = fe_add(x2, z2), b = fe_sub(x2, z2), c = fe_add(x3, z3), d = fe_sub(x3, z3);
        fe aa = fe_sqr(a), bb = fe_sqr(b), da = fe_mul(d, a), cb = fe_mul(c, b);
        fe e = fe_sub(aa, bb);
        x3 = fe_sqr(fe_add(da, cb));
        z3 = fe_mul(u, fe_sqr(fe_sub(da, cb)));
        x2 = fe_mul(aa, bb);
        z2 = fe_mul(e, fe_add(aa, fe_small(e, 121665)));
    }
    choice m = choice_of(swapped);
    ratio r = {fe_blend(m, x2, x3), fe_blend(m, z2, z3)};
    return r;
}

// x/z of up to BATCH vectors by one inversion; 0 where z is 0.
enum { BATCH = 32 };

static LANES void divide(ratio *r, size_t n) {
    fe prefix[BATCH], running = fe_const(1), eleven;
    choice zero[BATCH];
    for (size_t i = 0; i < n; i++) {
        zero[i] = fe_is_zero(r[i].z);
        r[i].z = fe_blend(zero[i], r[i].z, fe_const(1));
        prefix[i] = running;
        running = fe_mul(running, r[i].z);
    }
    fe inverse = fe_sqrn(fe_chain(running, &eleven), 5);
    inverse = fe_mul(inverse, eleven);
    for (size_t i = n; i-- > 0;) {
        fe q = fe_mul(r[i].x, fe_mul(inverse, prefix[i]));
        inverse = fe_mul(inverse, r[i].z);
        r[i].x = fe_blend(zero[i], q, fe_const(0));
    }
}

INLINE size_t lanes(size_t count, size_t start) { return count - start < WIDTH ? count - start : WIDTH; }

LANES void KERNEL(x25519_batch)(void *u, const void *scalars, size_t stride, size_t count) {
    uint8_t *points = u;
    const uint8_t *secrets = scalars;
    for (size_t start = 0; start < count; start += WIDTH * BATCH) {
        ratio r[BATCH];
        size_t n = 0;
        for (size_t at = start; at < count && n < BATCH; at += WIDTH, n++) {
            size_t width = lanes(count, at);
            uint8_t bits[255];
            memset(bits, 0, sizeof bits);
            for (size_t i = 0; i < width; i++)
                for (int t = 0; t < 255; t++)
                    bits[t] |= (uint8_t)((secrets[(at + i) * stride + t / 8] >> (t % 8) & 1) << i);
            r[n] = ladder(fe_load(points + 32 * at, width), bits);
            memset(bits, 0, sizeof bits);
            __asm__ volatile("" : : "r"(bits) : "memory");  // the wipe is not dead
        }
        divide(r, n);
        for (size_t k = 0; k < n; k++)
            fe_store(points + 32 * (start + WIDTH * k), r[k].x, lanes(count, start + WIDTH * k));
    }
}

LANES void KERNEL(elligator2_batch)(void *elements, size_t count) {
    uint8_t *p = elements;
    const fe j = fe_const(486662), one = fe_const(1);
    const fe numerator = fe_sub(fe_const(0), j);
    for (size_t start = 0; start < count; start += WIDTH * BATCH) {
        ratio r[BATCH];
        size_t n = 0;
        for (size_t at = start; at < count && n < BATCH; at += WIDTH, n++) {
            fe t = fe_sqr(fe_load(p + 32 * at, lanes(count, at))), eleven;
            t = fe_add(t, t);
            fe d = fe_add(t, one), jd = fe_mul(fe_mul(j, numerator), d);
            fe g = fe_mul(fe_mul(fe_add(fe_add(fe_sqr(numerator), jd), fe_sqr(d)), numerator), d);
            fe g2 = fe_sqr(g);  // Legendre: g^((p-1)/2) = (g^(2^250-1))^16 · g^6
            fe symbol = fe_mul(fe_sqrn(fe_chain(g, &eleven), 4), fe_mul(fe_sqr(g2), g2));
            choice square = choice_or(fe_is_zero(fe_sub(symbol, one)), fe_is_zero(symbol));
            r[n].x = fe_blend(square, fe_mul(numerator, t), numerator);
            r[n].z = d;
        }
        divide(r, n);
        for (size_t k = 0; k < n; k++)
            fe_store(p + 32 * (start + WIDTH * k), r[k].x, lanes(count, start + WIDTH * k));
    }
}
