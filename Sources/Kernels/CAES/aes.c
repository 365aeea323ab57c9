// SPDX-License-Identifier: Apache-2.0
#include "CAES.h"

#if defined(__x86_64__)
#include <immintrin.h>

enum { lanes = 8 };

bool caes_is_supported(void) { return __builtin_cpu_supports("aes"); }

// Eight blocks hide the latency of the instruction: one starts each cycle, each takes about four.
__attribute__((target("aes,sse2"))) void caes_encrypt(const uint8_t *schedule, int rounds, const uint8_t *mask,
                                                      uint8_t *blocks, size_t count) {
    __m128i first = _mm_xor_si128(_mm_loadu_si128((const __m128i *)mask), _mm_loadu_si128((const __m128i *)schedule));
    __m128i last = _mm_loadu_si128((const __m128i *)(schedule + 16 * rounds));
    for (size_t start = 0; start < count; start += lanes) {
        size_t width = count - start < lanes ? count - start : lanes;
        __m128i state[lanes];
        for (size_t i = 0; i < lanes; i++)
            state[i] = i < width ? _mm_loadu_si128((const __m128i *)(blocks + 16 * (start + i))) : first;
        for (size_t i = 0; i < lanes; i++) state[i] = _mm_xor_si128(state[i], first);
        for (int round = 1; round < rounds; round++) {
            __m128i key = _mm_loadu_si128((const __m128i *)(schedule + 16 * round));
            for (size_t i = 0; i < lanes; i++) state[i] = _mm_aesenc_si128(state[i], key);
        }
        for (size_t i = 0; i < lanes; i++) state[i] = _mm_aesenclast_si128(state[i], last);
        for (size_t i = 0; i < width; i++) _mm_storeu_si128((__m128i *)(blocks + 16 * (start + i)), state[i]);
    }
}

#else

bool caes_is_supported(void) { return false; }

void caes_encrypt(const uint8_t *schedule, int rounds, const uint8_t *mask, uint8_t *blocks, size_t count) {
    (void)schedule, (void)rounds, (void)mask, (void)blocks, (void)count;
}

#endif
