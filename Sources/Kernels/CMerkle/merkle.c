// SPDX-License-Identifier: Apache-2.0
#include "CMerkle.h"

#include <string.h>

static const uint32_t round_constants[64] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static const uint32_t initial_state[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

enum { block_size = 64, hash_size = 32 };

static uint32_t load_big(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void store_big(uint32_t word, uint8_t *bytes) {
    bytes[0] = (uint8_t)(word >> 24);
    bytes[1] = (uint8_t)(word >> 16);
    bytes[2] = (uint8_t)(word >> 8);
    bytes[3] = (uint8_t)word;
}

static void store_state(const uint32_t *state, uint8_t *hash) {
    for (int word = 0; word < 8; word++) store_big(state[word], hash + 4 * word);
}

// MARK: Portable

static uint32_t rotate(uint32_t word, int count) { return word >> count | word << (32 - count); }

static void compress_portable(uint32_t *state, const uint8_t *bytes, size_t blocks) {
    for (; blocks > 0; blocks--, bytes += block_size) {
        uint32_t w[64], s[8];
        for (int t = 0; t < 16; t++) w[t] = load_big(bytes + 4 * t);
        for (int t = 16; t < 64; t++) {
            uint32_t a = w[t - 15], b = w[t - 2];
            w[t] = w[t - 16] + (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) + w[t - 7]
                 + (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
        }
        memcpy(s, state, sizeof s);
        for (int t = 0; t < 64; t++) {
            uint32_t first = s[7] + (rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25))
                           + ((s[4] & s[5]) ^ (~s[4] & s[6])) + round_constants[t] + w[t];
            uint32_t second = (rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22))
                            + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
            memmove(s + 1, s, 7 * sizeof s[0]);
            s[4] += first;
            s[0] = first + second;
        }
        for (int word = 0; word < 8; word++) state[word] += s[word];
    }
}

// MARK: With the processor's SHA instructions

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

#define SHA_TARGET __attribute__((target("sha,sse4.1,ssse3")))

/// One block for each of `lanes` independent messages. The instructions' latency is several times their
/// cost, so two messages side by side take hardly longer than one.
SHA_TARGET static inline __attribute__((always_inline)) void rounds(
    __m128i (*state)[2], const uint8_t *const *blocks, const int lanes
) {
    const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    __m128i message[2][4], before[2][2];
    for (int lane = 0; lane < lanes; lane++) memcpy(before[lane], state[lane], sizeof before[lane]);
#pragma clang loop unroll(full)
    for (int group = 0; group < 16; group++) {
        const __m128i constants = _mm_load_si128((const __m128i *)(round_constants + 4 * group));
#pragma clang loop unroll(full)
        for (int lane = 0; lane < lanes; lane++) {
            __m128i *w = message[lane];
            const int newest = group & 3;
            if (group < 4) {
                __m128i bytes = _mm_loadu_si128((const __m128i *)(blocks[lane] + 16 * group));
                w[newest] = _mm_shuffle_epi8(bytes, big_endian);
            } else {
                __m128i last = w[(group + 3) & 3];
                __m128i sum = _mm_sha256msg1_epu32(w[newest], w[(group + 1) & 3]);
                sum = _mm_add_epi32(sum, _mm_alignr_epi8(last, w[(group + 2) & 3], 4));
                w[newest] = _mm_sha256msg2_epu32(sum, last);
            }
            __m128i sum = _mm_add_epi32(w[newest], constants);
            state[lane][1] = _mm_sha256rnds2_epu32(state[lane][1], state[lane][0], sum);
            state[lane][0] = _mm_sha256rnds2_epu32(state[lane][0], state[lane][1], _mm_shuffle_epi32(sum, 0x0e));
        }
    }
    for (int lane = 0; lane < lanes; lane++) {
        state[lane][0] = _mm_add_epi32(state[lane][0], before[lane][0]);
        state[lane][1] = _mm_add_epi32(state[lane][1], before[lane][1]);
    }
}

/// The instructions keep a, b, e, f in one register and c, d, g, h in the other.
SHA_TARGET static inline void enter(const uint32_t *words, __m128i *state) {
    state[0] = _mm_set_epi32((int)words[0], (int)words[1], (int)words[4], (int)words[5]);
    state[1] = _mm_set_epi32((int)words[2], (int)words[3], (int)words[6], (int)words[7]);
}

SHA_TARGET static inline void leave(const __m128i *state, uint32_t *words) {
    words[0] = (uint32_t)_mm_extract_epi32(state[0], 3);
    words[1] = (uint32_t)_mm_extract_epi32(state[0], 2);
    words[4] = (uint32_t)_mm_extract_epi32(state[0], 1);
    words[5] = (uint32_t)_mm_extract_epi32(state[0], 0);
    words[2] = (uint32_t)_mm_extract_epi32(state[1], 3);
    words[3] = (uint32_t)_mm_extract_epi32(state[1], 2);
    words[6] = (uint32_t)_mm_extract_epi32(state[1], 1);
    words[7] = (uint32_t)_mm_extract_epi32(state[1], 0);
}

SHA_TARGET static void compress_with_instructions(uint32_t *words, const uint8_t *bytes, size_t blocks) {
    __m128i state[1][2];
    enter(words, state[0]);
    for (; blocks > 0; blocks--, bytes += block_size) rounds(state, (const uint8_t *const[]){bytes}, 1);
    leave(state[0], words);
}

/// Two messages of two blocks each, side by side.
SHA_TARGET static void compress_pair(uint32_t (*words)[8], const uint8_t (*messages)[2 * block_size]) {
    __m128i state[2][2];
    for (int lane = 0; lane < 2; lane++) enter(words[lane], state[lane]);
    rounds(state, (const uint8_t *const[]){messages[0], messages[1]}, 2);
    rounds(state, (const uint8_t *const[]){messages[0] + block_size, messages[1] + block_size}, 2);
    for (int lane = 0; lane < 2; lane++) leave(state[lane], words[lane]);
}

static bool has_instructions(void) {
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & 1u << 29) && __get_cpuid(1, &a, &b, &c, &d)
        && (c & 1u << 19);
}
#else
static void compress_with_instructions(uint32_t *words, const uint8_t *bytes, size_t blocks) {
    compress_portable(words, bytes, blocks);
}
static void compress_pair(uint32_t (*words)[8], const uint8_t (*messages)[2 * block_size]) {
    for (int lane = 0; lane < 2; lane++) compress_portable(words[lane], messages[lane], 2);
}
static bool has_instructions(void) { return false; }
#endif

// MARK: Leaves and nodes

static _Atomic int accelerated = -1;

bool hutong_merkle_is_accelerated(void) {
    if (accelerated < 0) accelerated = has_instructions();
    return accelerated;
}

void hutong_merkle_accelerate(bool wanted) { accelerated = wanted && has_instructions(); }

static void compress(uint32_t *state, const uint8_t *bytes, size_t blocks) {
    if (hutong_merkle_is_accelerated()) compress_with_instructions(state, bytes, blocks);
    else compress_portable(state, bytes, blocks);
}

void hutong_merkle_leaf(const uint8_t *entry, size_t size, uint8_t *hash) {
    uint32_t state[8];
    memcpy(state, initial_state, sizeof state);
    uint8_t tail[2 * block_size] = {0};  // Begins with 0x00, the mark of a leaf.
    size_t used = 1;
    if (size >= block_size - 1) {
        memcpy(tail + 1, entry, block_size - 1);
        compress(state, tail, 1);
        size_t whole = (size - (block_size - 1)) / block_size;
        const uint8_t *rest = entry + block_size - 1;
        compress(state, rest, whole);
        used = (size - (block_size - 1)) % block_size;
        memset(tail, 0, sizeof tail);
        memcpy(tail, rest + whole * block_size, used);
    } else {
        if (size > 0) memcpy(tail + 1, entry, size);
        used += size;
    }
    tail[used] = 0x80;
    size_t blocks = used + 9 <= block_size ? 1 : 2;
    uint64_t bits = ((uint64_t)size + 1) * 8;
    store_big((uint32_t)(bits >> 32), tail + blocks * block_size - 8);
    store_big((uint32_t)bits, tail + blocks * block_size - 4);
    compress(state, tail, blocks);
    store_state(state, hash);
}

/// 0x01 ‖ two hashes, padded: always two blocks.
static void write_node(const uint8_t *children, uint8_t *message) {
    message[0] = 0x01;
    memcpy(message + 1, children, 2 * hash_size);
    memset(message + 65, 0, 2 * block_size - 65);
    message[65] = 0x80;
    message[126] = 0x02;  // 520 bits
    message[127] = 0x08;
}

void hutong_merkle_nodes(const uint8_t *children, size_t count, uint8_t *parents) {
    uint8_t messages[2][2 * block_size];
    size_t done = 0;
    if (hutong_merkle_is_accelerated()) {
        for (; done + 2 <= count; done += 2) {
            uint32_t states[2][8];
            for (size_t lane = 0; lane < 2; lane++) {
                memcpy(states[lane], initial_state, sizeof states[lane]);
                write_node(children + 2 * hash_size * (done + lane), messages[lane]);
            }
            compress_pair(states, (const uint8_t(*)[2 * block_size])messages);
            for (size_t lane = 0; lane < 2; lane++) store_state(states[lane], parents + hash_size * (done + lane));
        }
    }
    for (; done < count; done++) {
        uint32_t state[8];
        memcpy(state, initial_state, sizeof state);
        write_node(children + 2 * hash_size * done, messages[0]);
        compress(state, messages[0], 2);
        store_state(state, parents + hash_size * done);
    }
}
