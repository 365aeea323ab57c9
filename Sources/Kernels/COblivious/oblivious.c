// SPDX-License-Identifier: Apache-2.0
//
// Twins: Oblivious/*.swift, compared bit for bit by Tests/PSITests. Timing: AES and masked operations do not
// depend on data; in the band kernels the address of a band depends on the hash of an item (docs/private-match.md).
#include "COblivious.h"
#include <string.h>

enum { SPREAD_BITS = 11, SPREAD = 1 << SPREAD_BITS };

// Two passes: by the top bits of the sort word into SPREAD parts, then each part, now near, by its next bits and
// by insertion. Not constant time in the hashes: their order is local to this side.
void hutong_sort_hashes(const void *hashes, size_t count, void *sorted, uint32_t *order, void *scratch,
                        uint32_t *scratch_order) {
    const uint64_t *h = hashes;
    uint64_t *out = sorted, *mid = scratch;
    size_t starts[SPREAD + 1] = {0}, next[SPREAD];
    for (size_t i = 0; i < count; i++) starts[(h[2 * i] >> (64 - SPREAD_BITS)) + 1]++;
    for (size_t k = 0; k < SPREAD; k++) starts[k + 1] += starts[k];
    memcpy(next, starts, sizeof next);
    for (size_t i = 0; i < count; i++) {
        size_t to = next[h[2 * i] >> (64 - SPREAD_BITS)]++;
        mid[2 * to] = h[2 * i], mid[2 * to + 1] = h[2 * i + 1];
        scratch_order[to] = (uint32_t)i;
    }
    for (size_t k = 0; k < SPREAD; k++) {
        size_t first = starts[k], end = starts[k + 1], places[SPREAD + 1] = {0};
        for (size_t i = first; i < end; i++) places[(mid[2 * i] << SPREAD_BITS >> (64 - SPREAD_BITS)) + 1]++;
        for (size_t b = 0; b < SPREAD; b++) places[b + 1] += places[b];
        for (size_t i = first; i < end; i++) {
            size_t to = first + places[mid[2 * i] << SPREAD_BITS >> (64 - SPREAD_BITS)]++;
            out[2 * to] = mid[2 * i], out[2 * to + 1] = mid[2 * i + 1];
            order[to] = scratch_order[i];
        }
        for (size_t i = first + 1; i < end; i++) {
            uint64_t low = out[2 * i], high = out[2 * i + 1];
            uint32_t item = order[i];
            size_t j = i;
            for (; j > first && out[2 * j - 2] > low; j--) {
                out[2 * j] = out[2 * j - 2], out[2 * j + 1] = out[2 * j - 1];
                order[j] = order[j - 1];
            }
            out[2 * j] = low, out[2 * j + 1] = high, order[j] = item;
        }
    }
}

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

#define WIDE __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,avx512vbmi,vaes,aes,vpclmulqdq,pclmul,bmi,bmi2,lzcnt")))
#define INLINE static inline __attribute__((always_inline)) WIDE

int hutong_oblivious_has_vaes(void) {
    return __builtin_cpu_supports("vaes") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("vpclmulqdq") && __builtin_cpu_supports("bmi2");
}

typedef struct { __m128i k[11]; } schedule;

#define ROUND_KEY(i, c)                                                      \
    t = _mm_aeskeygenassist_si128(s.k[i - 1], c);                            \
    t = _mm_shuffle_epi32(t, 0xff);                                          \
    u = s.k[i - 1];                                                          \
    u = _mm_xor_si128(u, _mm_slli_si128(u, 4));                              \
    u = _mm_xor_si128(u, _mm_slli_si128(u, 8));                              \
    s.k[i] = _mm_xor_si128(u, t);

INLINE schedule expand_key(const void *key) {
    schedule s;
    __m128i t, u;
    s.k[0] = _mm_loadu_si128(key);
    ROUND_KEY(1, 0x01) ROUND_KEY(2, 0x02) ROUND_KEY(3, 0x04) ROUND_KEY(4, 0x08) ROUND_KEY(5, 0x10)
    ROUND_KEY(6, 0x20) ROUND_KEY(7, 0x40) ROUND_KEY(8, 0x80) ROUND_KEY(9, 0x1b) ROUND_KEY(10, 0x36)
    return s;
}

INLINE __m512i aes4(const schedule *s, __m512i x) {
    x = _mm512_xor_si512(x, _mm512_broadcast_i32x4(s->k[0]));
#pragma clang loop unroll(full)
    for (int i = 1; i < 10; i++) x = _mm512_aesenc_epi128(x, _mm512_broadcast_i32x4(s->k[i]));
    return _mm512_aesenclast_epi128(x, _mm512_broadcast_i32x4(s->k[10]));
}

INLINE __m128i aes1(const schedule *s, __m128i x) {
    x = _mm_xor_si128(x, s->k[0]);
#pragma clang loop unroll(full)
    for (int i = 1; i < 10; i++) x = _mm_aesenc_si128(x, s->k[i]);
    return _mm_aesenclast_si128(x, s->k[10]);
}

WIDE void hutong_aes_hash(const void *key, const void *in, void *out, size_t count) {
    schedule s = expand_key(key);
    const uint8_t *p = in;
    uint8_t *q = out;
    size_t i = 0;
    for (; i + 16 <= count; i += 16)
        for (int k = 0; k < 4; k++) {
            __m512i x = _mm512_loadu_si512(p + 16 * i + 64 * k);
            _mm512_storeu_si512(q + 16 * i + 64 * k, _mm512_xor_si512(x, aes4(&s, x)));
        }
    for (; i < count; i++) {
        __m128i x = _mm_loadu_si128((const __m128i *)(p + 16 * i));
        _mm_storeu_si128((__m128i *)(q + 16 * i), _mm_xor_si128(x, aes1(&s, x)));
    }
}

WIDE void hutong_aes_hash_bits(const void *key, const void *in, size_t count, uint64_t *words) {
    schedule s = expand_key(key);
    const __m512i offset = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)key + 1));
    const __m512i lowest = _mm512_set_epi64(0, 1, 0, 1, 0, 1, 0, 1);
    const uint8_t *p = in;
    for (size_t word = 0; word < count / 64; word++) {
        uint64_t bits = 0;
        for (int k = 0; k < 16; k++) {
            __m512i x = _mm512_xor_si512(_mm512_loadu_si512(p + 1024 * word + 64 * k), offset);
            __mmask8 m = _mm512_test_epi64_mask(_mm512_xor_si512(x, aes4(&s, x)), lowest);
            bits |= _pext_u64(m, 0x55) << (4 * k);
        }
        words[word] = bits;
    }
}

WIDE void hutong_aes_counter(const void *key, uint64_t first, void *out, size_t count) {
    schedule s = expand_key(key);
    uint8_t *q = out;
    size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        uint64_t c = first + i;
        __m512i x = _mm512_set_epi64(0, (long long)(c + 3), 0, (long long)(c + 2), 0, (long long)(c + 1), 0, (long long)c);
        _mm512_storeu_si512(q + 16 * i, aes4(&s, x));
    }
    for (; i < count; i++)
        _mm_storeu_si128((__m128i *)(q + 16 * i), aes1(&s, _mm_set_epi64x(0, (long long)(first + i))));
}

WIDE void hutong_tree_level(const void *keys, const void *in, void *out, size_t count) {
    schedule l = expand_key(keys), r = expand_key((const uint8_t *)keys + 16);
    const uint8_t *p = in;
    uint8_t *q = out;
    const __m512i low = _mm512_set_epi64(11, 10, 3, 2, 9, 8, 1, 0), high = _mm512_set_epi64(15, 14, 7, 6, 13, 12, 5, 4);
    size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        __m512i x = _mm512_loadu_si512(p + 16 * i);
        __m512i a = _mm512_xor_si512(x, aes4(&l, x)), b = _mm512_xor_si512(x, aes4(&r, x));
        _mm512_storeu_si512(q + 32 * i, _mm512_permutex2var_epi64(a, low, b));
        _mm512_storeu_si512(q + 32 * i + 64, _mm512_permutex2var_epi64(a, high, b));
    }
    for (; i < count; i++) {
        __m128i x = _mm_loadu_si128((const __m128i *)(p + 16 * i));
        _mm_storeu_si128((__m128i *)(q + 32 * i), _mm_xor_si128(x, aes1(&l, x)));
        _mm_storeu_si128((__m128i *)(q + 32 * i + 16), _mm_xor_si128(x, aes1(&r, x)));
    }
}

// Row geometry: start = floor(hash.low · (columns - 255) / 2^64); band = AES(hash ^ 1) | AES(hash ^ 2), high word
// of the hash changed, so the inputs differ from every other use of the key.
typedef struct { size_t start; uint64_t band[4]; } row;

INLINE row row_of(const schedule *s, const uint8_t *hash, size_t columns) {
    row r;
    uint64_t low;
    memcpy(&low, hash, 8);
    r.start = (size_t)(((unsigned __int128)low * (columns - 255)) >> 64);
    __m128i h = _mm_loadu_si128((const __m128i *)hash);
    __m128i a = _mm_xor_si128(h, _mm_set_epi64x(1, 0)), b = _mm_xor_si128(h, _mm_set_epi64x(2, 0));
    _mm_storeu_si128((__m128i *)r.band, _mm_xor_si128(a, aes1(s, a)));
    _mm_storeu_si128((__m128i *)(r.band + 2), _mm_xor_si128(b, aes1(s, b)));
    return r;
}

WIDE int hutong_band_insert(const void *key, const void *hashes, const void *values, size_t count,
                            size_t columns, uint64_t *coefficients, void *values_out) {
    schedule s = expand_key(key);
    const uint8_t *h = hashes, *v = values;
    uint8_t *out = values_out;
    for (size_t i = 0; i < count; i++) {
        row r = row_of(&s, h + 16 * i, columns);
        uint64_t a = r.band[0], b = r.band[1], c = r.band[2], d = r.band[3];
        __m128i value = _mm_loadu_si128((const __m128i *)(v + 16 * i));
        size_t at = r.start;
        for (;;) {
            while (a == 0) {  // whole words of zeros
                if ((b | c | d) == 0) {
                    if (_mm_test_all_zeros(value, value)) goto next;
                    return 0;
                }
                a = b, b = c, c = d, d = 0;
                at += 64;
            }
            unsigned n = (unsigned)_tzcnt_u64(a);
            if (n) {
                a = a >> n | b << (64 - n);
                b = b >> n | c << (64 - n);
                c = c >> n | d << (64 - n);
                d >>= n;
                at += n;
            }
            uint64_t *slot = coefficients + 4 * at;
            if (slot[0] == 0) {
                slot[0] = a, slot[1] = b, slot[2] = c, slot[3] = d;
                _mm_storeu_si128((__m128i *)(out + 16 * at), value);
                break;
            }
            a ^= slot[0], b ^= slot[1], c ^= slot[2], d ^= slot[3];
            value = _mm_xor_si128(value, _mm_loadu_si128((const __m128i *)(out + 16 * at)));
        }
    next:;
    }
    return 1;
}

// The sum of the blocks at `p` that the 256 bits select: every block is read, whatever the bits.
INLINE __m512i band_sum(const uint64_t *band, const uint8_t *p) {
    __m512i a = _mm512_setzero_si512(), b = a, c = a, d = a;
#pragma clang loop unroll(full)
    for (int w = 0; w < 4; w++)
#pragma clang loop unroll(full)
        for (int half = 0; half < 2; half++) {
            uint64_t m = _pdep_u64(band[w] >> (32 * half) & 0xffffffff, 0x5555555555555555ULL) * 3;
            const uint8_t *q = p + 1024 * w + 512 * half;
            a = _mm512_mask_xor_epi64(a, (__mmask8)m, a, _mm512_loadu_si512(q));
            b = _mm512_mask_xor_epi64(b, (__mmask8)(m >> 8), b, _mm512_loadu_si512(q + 64));
            c = _mm512_mask_xor_epi64(c, (__mmask8)(m >> 16), c, _mm512_loadu_si512(q + 128));
            d = _mm512_mask_xor_epi64(d, (__mmask8)(m >> 24), d, _mm512_loadu_si512(q + 192));
            a = _mm512_mask_xor_epi64(a, (__mmask8)(m >> 32), a, _mm512_loadu_si512(q + 256));
            b = _mm512_mask_xor_epi64(b, (__mmask8)(m >> 40), b, _mm512_loadu_si512(q + 320));
            c = _mm512_mask_xor_epi64(c, (__mmask8)(m >> 48), c, _mm512_loadu_si512(q + 384));
            d = _mm512_mask_xor_epi64(d, (__mmask8)(m >> 56), d, _mm512_loadu_si512(q + 448));
        }
    return _mm512_xor_si512(_mm512_xor_si512(a, b), _mm512_xor_si512(c, d));
}

INLINE __m128i fold(__m512i x) {
    __m256i y = _mm256_xor_si256(_mm512_castsi512_si256(x), _mm512_extracti64x4_epi64(x, 1));
    return _mm_xor_si128(_mm256_castsi256_si128(y), _mm256_extracti128_si256(y, 1));
}

WIDE void hutong_band_solve(const uint64_t *coefficients, const void *values, size_t columns, void *solution) {
    uint8_t *z = solution;
    const uint8_t *v = values;
    // The last eight solved blocks live in two registers: loading what was just stored would stall.
    __m512i near = _mm512_setzero_si512(), far = near;  // near: columns at+1 … at+4, far: at+5 … at+8
    for (size_t at = columns; at-- > 0;) {
        const uint64_t *slot = coefficients + 4 * at;
        __m128i block;
        if (slot[0] == 0) {  // public: which columns are free is simulated from the items' hashes alone
            block = _mm_loadu_si128((const __m128i *)(z + 16 * at));
        } else {
            uint64_t rest[4] = {slot[0] >> 9 | slot[1] << 55, slot[1] >> 9 | slot[2] << 55,
                                slot[2] >> 9 | slot[3] << 55, slot[3] >> 9};
            uint64_t m = _pdep_u64(slot[0] >> 1 & 0xff, 0x5555) * 3;
            __m512i sum = _mm512_xor_si512(_mm512_maskz_mov_epi64((__mmask8)m, near),
                                           _mm512_maskz_mov_epi64((__mmask8)(m >> 8), far));
            sum = _mm512_xor_si512(sum, band_sum(rest, z + 16 * (at + 9)));
            block = _mm_xor_si128(fold(sum), _mm_loadu_si128((const __m128i *)(v + 16 * at)));
            _mm_storeu_si128((__m128i *)(z + 16 * at), block);
        }
        far = _mm512_alignr_epi64(far, near, 6);
        near = _mm512_inserti64x2(_mm512_alignr_epi64(near, near, 6), block, 0);
    }
}

WIDE void hutong_band_decode(const void *key, const void *hashes, size_t count, size_t columns,
                             const void *solution, void *out) {
    schedule s = expand_key(key);
    const uint8_t *h = hashes, *z = solution;
    uint8_t *q = out;
    for (size_t i = 0; i < count; i++) {
        row r = row_of(&s, h + 16 * i, columns);
        _mm_storeu_si128((__m128i *)(q + 16 * i), fold(band_sum(r.band, z + 16 * r.start)));
    }
}

enum { CHUNK = 256, GROUP = 32 };

WIDE void hutong_convolve(const void *key, void *elements, size_t count) {
    schedule s = expand_key(key);
    uint8_t *p = elements;
    __m512i w[6];
    for (int k = 0; k < 6; k++) w[k] = _mm512_setzero_si512();
    for (size_t start = 0; start < count; start += CHUNK) {
        uint32_t taps[CHUNK];
        for (int k = 0; k < CHUNK / 4; k += 4) {
            long long c = (long long)(start / 4) + k;
            __m512i x = _mm512_set_epi64(0, c + 3, 0, c + 2, 0, c + 1, 0, c);
            _mm512_storeu_si512(taps + 4 * k, aes4(&s, x));
        }
        size_t n = count - start < CHUNK ? count - start : CHUNK;
        for (size_t i = 0; i < n; i++) {
            __m128i *at = (__m128i *)(p + 16 * (start + i));
            __m128i x = _mm_xor_si128(_mm_loadu_si128(at), _mm512_castsi512_si128(w[0]));
            _mm_storeu_si128(at, x);
            __m512i y = _mm512_broadcast_i32x4(x);
            uint64_t m = _pdep_u64((taps[i] & 0xffffff) | 1, 0x5555555555555555ULL) * 3;
#pragma clang loop unroll(full)
            for (int k = 0; k < 6; k++) {
                __m512i next = k < 5 ? w[k < 5 ? k + 1 : 5] : _mm512_setzero_si512();
                __m512i moved = _mm512_alignr_epi64(next, w[k], 2);
                w[k] = _mm512_mask_xor_epi64(moved, (__mmask8)(m >> (8 * k)), moved, y);
            }
        }
    }
}

// Row i takes one element of each of the `regular` equal regions, the rest anywhere.
WIDE void hutong_expand(const void *key, const void *accumulated, void *elements, size_t count, size_t weight) {
    schedule s = expand_key(key);
    const uint8_t *a = accumulated;
    uint8_t *e = elements;
    size_t regular = weight - weight / 2, step = count / regular, blocks = (weight + 3) / 4;
    if (step == 0) regular = 0;  // too short for regions
    for (size_t start = 0; start < count; start += GROUP) {  // draw, prefetch, then add
        size_t n = count - start < GROUP ? count - start : GROUP;
        uint32_t draws[GROUP * 24], places[GROUP * 24];
        for (size_t k = 0; k < n * blocks; k++)
            _mm_storeu_si128((__m128i *)(draws + 4 * k),
                             aes1(&s, _mm_set_epi64x(0, (long long)(start * blocks + k))));
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < weight; k++) {
                uint64_t draw = draws[4 * blocks * i + k];
                size_t at = k < regular ? k * step + ((draw * step) >> 32) : (draw * count) >> 32;
                places[weight * i + k] = (uint32_t)at;
                _mm_prefetch((const char *)(a + 16 * at), _MM_HINT_T0);
            }
        for (size_t i = 0; i < n; i++) {
            __m128i *to = (__m128i *)(e + 16 * (start + i)), x = _mm_loadu_si128(to);
            for (size_t k = 0; k < weight; k++)
                x = _mm_xor_si128(x, _mm_loadu_si128((const __m128i *)(a + 16 * places[weight * i + k])));
            _mm_storeu_si128(to, x);
        }
    }
}

INLINE __m128i field_multiply(__m128i a, __m128i b) {
    __m128i lo = _mm_clmulepi64_si128(a, b, 0x00), hi = _mm_clmulepi64_si128(a, b, 0x11);
    __m128i mid = _mm_xor_si128(_mm_clmulepi64_si128(a, b, 0x10), _mm_clmulepi64_si128(a, b, 0x01));
    lo = _mm_xor_si128(lo, _mm_slli_si128(mid, 8));
    hi = _mm_xor_si128(hi, _mm_srli_si128(mid, 8));
    const __m128i r = _mm_set_epi64x(0, 0x87);  // x^128 = x^7 + x^2 + x + 1
    __m128i t = _mm_clmulepi64_si128(hi, r, 0x01);  // the high word of hi
    lo = _mm_xor_si128(lo, _mm_slli_si128(t, 8));
    hi = _mm_xor_si128(hi, _mm_srli_si128(t, 8));
    return _mm_xor_si128(lo, _mm_clmulepi64_si128(hi, r, 0x00));
}

WIDE void hutong_field_multiply_add(const void *scalar, const void *in, void *out, size_t count) {
    const __m128i s = _mm_loadu_si128(scalar);
    const uint8_t *p = in;
    uint8_t *q = out;
    for (size_t i = 0; i < count; i++) {
        __m128i x = _mm_loadu_si128((const __m128i *)(p + 16 * i));
        __m128i y = _mm_loadu_si128((const __m128i *)(q + 16 * i));
        _mm_storeu_si128((__m128i *)(q + 16 * i), _mm_xor_si128(y, field_multiply(s, x)));
    }
}

#define SHA __attribute__((target("sha,sse4.1,ssse3")))

int hutong_oblivious_has_sha(void) {
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b >> 29 & 1);
}

// FIPS 180-4: cube roots of the first 64 primes, square roots of the first eight.
static const uint32_t sha_constants[64] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
static const uint32_t sha_start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

SHA void hutong_sha256_short(const void *message, size_t length, void *digest) {
    uint8_t block[128] = {0};
    memcpy(block, message, length);
    block[length] = 0x80;
    size_t end = length < 56 ? 64 : 128;
    block[end - 1] = (uint8_t)(length << 3), block[end - 2] = (uint8_t)(length >> 5);
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    __m128i t = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)sha_start), 0xb1);
    __m128i u = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(sha_start + 4)), 0x1b);
    __m128i abef = _mm_alignr_epi8(t, u, 8), cdgh = _mm_blend_epi16(u, t, 0xf0);
    for (const uint8_t *p = block; p < block + end; p += 64) {
        __m128i m[4], a = abef, c = cdgh;
        for (int i = 0; i < 4; i++) m[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(p + 16 * i)), swap);
#pragma clang loop unroll(full)
        for (int i = 0; i < 16; i++) {
            __m128i w = _mm_add_epi32(m[i & 3], _mm_load_si128((const __m128i *)(sha_constants + 4 * i)));
            c = _mm_sha256rnds2_epu32(c, a, w);
            a = _mm_sha256rnds2_epu32(a, c, _mm_shuffle_epi32(w, 0x0e));
            if (i < 12) {
                __m128i next = _mm_sha256msg1_epu32(m[i & 3], m[(i + 1) & 3]);
                next = _mm_add_epi32(next, _mm_alignr_epi8(m[(i + 3) & 3], m[(i + 2) & 3], 4));
                m[i & 3] = _mm_sha256msg2_epu32(next, m[(i + 3) & 3]);
            }
        }
        abef = _mm_add_epi32(abef, a);
        cdgh = _mm_add_epi32(cdgh, c);
    }
    t = _mm_shuffle_epi32(abef, 0x1b), u = _mm_shuffle_epi32(cdgh, 0xb1);
    _mm_storeu_si128(digest, _mm_shuffle_epi8(_mm_blend_epi16(t, u, 0xf0), swap));
    _mm_storeu_si128((__m128i *)digest + 1, _mm_shuffle_epi8(_mm_alignr_epi8(u, t, 8), swap));
}

WIDE void hutong_field_evaluate(const void *x, const void *in, size_t count, void *result) {
    enum { LANES = 8 };  // Horner in eight interleaved chains: one chain would wait for each product
    __m128i powers[LANES + 1], sums[LANES];
    const uint8_t *p = in;
    powers[0] = _mm_set_epi64x(0, 1);
    for (int k = 0; k < LANES; k++) {
        powers[k + 1] = field_multiply(powers[k], _mm_loadu_si128(x));
        sums[k] = _mm_setzero_si128();
    }
    size_t whole = count / LANES * LANES;
    for (size_t i = count; i-- > whole;)
        sums[i - whole] = _mm_loadu_si128((const __m128i *)(p + 16 * i));
    for (size_t i = whole; i > 0; i -= LANES)
        for (int k = 0; k < LANES; k++)
            sums[k] = _mm_xor_si128(field_multiply(sums[k], powers[LANES]),
                                    _mm_loadu_si128((const __m128i *)(p + 16 * (i - LANES + k))));
    __m128i total = _mm_setzero_si128();
    for (int k = 0; k < LANES; k++) total = _mm_xor_si128(total, field_multiply(sums[k], powers[k + 1]));
    _mm_storeu_si128(result, total);
}

#else

int hutong_oblivious_has_vaes(void) { return 0; }
int hutong_oblivious_has_sha(void) { return 0; }

#endif
