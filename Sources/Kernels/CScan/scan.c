// SPDX-License-Identifier: Apache-2.0
#include "CScan.h"

#if defined(__x86_64__)
#include <immintrin.h>

static inline bool is_word(uint8_t byte) {
    return (uint8_t)(byte - '0') < 10 || (uint8_t)((byte | 0x20) - 'a') < 26;
}

typedef struct {
    uint64_t digit, sign, capital;
} masks;

__attribute__((target("avx2"))) static inline uint32_t below(__m256i bytes, char from, char count) {
    __m256i shifted = _mm256_sub_epi8(bytes, _mm256_set1_epi8(from));
    __m256i least = _mm256_min_epu8(shifted, _mm256_set1_epi8((char)(count - 1)));
    return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(shifted, least));
}

__attribute__((target("avx2"))) static inline uint32_t equal(__m256i bytes, char byte) {
    return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(byte)));
}

// `before` holds the bytes one place earlier, `earlier` two: a full-width colon is EF BC 9A.
__attribute__((target("avx2"))) static inline masks half(__m256i bytes, __m256i before, __m256i earlier) {
    uint32_t high = (uint32_t)_mm256_movemask_epi8(before);
    uint32_t wide = equal(bytes, (char)0x9a);
    if (wide) wide &= equal(before, (char)0xbc) & equal(earlier, (char)0xef);
    return (masks){below(bytes, '0', 10), equal(bytes, '@') | equal(bytes, ':') | wide,
                   below(bytes, 'A', 26) & high};
}

__attribute__((target("avx2"))) static inline masks block(const uint8_t *text) {
    masks low = half(_mm256_loadu_si256((const __m256i *)text), _mm256_loadu_si256((const __m256i *)(text - 1)),
                     _mm256_loadu_si256((const __m256i *)(text - 2)));
    masks top = half(_mm256_loadu_si256((const __m256i *)(text + 32)),
                     _mm256_loadu_si256((const __m256i *)(text + 31)),
                     _mm256_loadu_si256((const __m256i *)(text + 30)));
    return (masks){low.digit | top.digit << 32, low.sign | top.sign << 32, low.capital | top.capital << 32};
}

static inline masks single(const uint8_t *text, size_t place) {
    uint8_t byte = text[place];
    uint8_t before = place > 0 ? text[place - 1] : 0;
    bool wide = byte == 0x9a && place > 1 && before == 0xbc && text[place - 2] == 0xef;
    return (masks){(uint8_t)(byte - '0') < 10, byte == '@' || byte == ':' || wide,
                   (uint8_t)(byte - 'A') < 26 && before >= 0x80};
}

bool cscan_is_supported(void) { return __builtin_cpu_supports("avx2"); }

__attribute__((target("avx2"))) size_t cscan_tokens(const uint8_t *text, size_t length, size_t *position,
                                                    cscan_token *tokens, size_t capacity) {
    size_t count = 0, place = *position, done = *position;
    while (place < length && count < capacity) {
        bool whole = place >= 2 && place + 64 <= length;
        masks found = whole ? block(text + place) : single(text, place);
        size_t step = whole ? 64 : 1;
        uint64_t anchors = found.digit | found.sign | found.capital;
        while (anchors && count < capacity) {
            unsigned bit = (unsigned)__builtin_ctzll(anchors);
            anchors &= anchors - 1;
            size_t anchor = place + bit;
            if (anchor < done) continue;
            size_t start = anchor, end = anchor + 1;
            if (!(found.sign >> bit & 1)) {
                while (start > done && is_word(text[start - 1])) start--;
                while (end < length && is_word(text[end])) end++;
            }
            tokens[count++] = (cscan_token){(uint32_t)start, (uint32_t)end};
            done = end;
        }
        place = anchors ? done : place + step;
        if (place < done) place = done;
    }
    *position = place < length ? place : length;
    return count;
}

#else

bool cscan_is_supported(void) { return false; }

size_t cscan_tokens(const uint8_t *text, size_t length, size_t *position, cscan_token *tokens, size_t capacity) {
    (void)text, (void)tokens, (void)capacity;
    *position = length;
    return 0;
}

#endif
