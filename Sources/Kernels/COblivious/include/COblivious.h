// SPDX-License-Identifier: Apache-2.0
// Batch kernels over 16-byte blocks with AES-NI, VAES and AVX-512. No allocation, no protocol logic; the Swift
// twins are in Oblivious. Every kernel requires hutong_oblivious_has_vaes() == 1.
#ifndef COBLIVIOUS_H
#define COBLIVIOUS_H
#include <stddef.h>
#include <stdint.h>

/// 1 when this processor and system run the kernels below.
int hutong_oblivious_has_vaes(void);

/// out[i] = AES-128_key(in[i]) ^ in[i]: a fixed-key one-way compression of blocks. `out` may be `in`.
void hutong_aes_hash(const void *key, const void *in, void *out, size_t count);

/// Bit i of words: the lowest of AES-128_key(x) ^ x for x = in[i] ^ offset; `key` is the key and, behind it, the offset.
/// `count` is a multiple of 64.
void hutong_aes_hash_bits(const void *key, const void *in, size_t count, uint64_t *words);

/// out[i] = AES-128_key(first + i): counter mode.
void hutong_aes_counter(const void *key, uint64_t first, void *out, size_t count);

/// One level of a binary tree: out[2i] and out[2i+1] are hashes of in[i] under the two keys.
void hutong_tree_level(const void *keys, const void *in, void *out, size_t count);

/// Adds `count` rows of a random band matrix of width 256 into its triangular form.
/// hashes[i]: start and band of row i are derived from it; values[i]: its right side. Fast when sorted.
/// coefficients: 4 words a column, values_out: a block a column, both zero at first. Returns 1, or 0 when a row
/// depends on earlier ones and contradicts them.
int hutong_band_insert(const void *key, const void *hashes, const void *values, size_t count, size_t columns,
                       uint64_t *coefficients, void *values_out);

/// Solves the triangular form from the last column down. `solution` has columns + 256 blocks: random at first,
/// the last 256 zero.
void hutong_band_solve(const uint64_t *coefficients, const void *values, size_t columns, void *solution);

/// out[i] = the band of row i times the solution.
void hutong_band_decode(const void *key, const void *hashes, size_t count, size_t columns, const void *solution,
                        void *out);

/// Sorts blocks by their low word; order[i] is where sorted[i] stood. `sorted` may be `hashes`;
/// the scratch is as large as the results.
void hutong_sort_hashes(const void *hashes, size_t count, void *sorted, uint32_t *order, void *scratch,
                        uint32_t *scratch_order);

/// The expand-convolute code's convolution on `count` elements, in place.
void hutong_convolve(const void *key, void *elements, size_t count);

/// elements[i] ^= sum of `weight` (a multiple of 1, at most 24) elements of `accumulated`, for i < count.
void hutong_expand(const void *key, const void *accumulated, void *elements, size_t count, size_t weight);

/// out[i] ^= scalar·in[i] in GF(2^128) modulo x^128 + x^7 + x^2 + x + 1, bit 0 the lowest.
void hutong_field_multiply_add(const void *scalar, const void *in, void *out, size_t count);

/// *result = the sum of x^(i+1)·in[i] over i < count, in the same field.
void hutong_field_evaluate(const void *x, const void *in, size_t count, void *result);

/// 1 when this processor has the SHA-256 instructions.
int hutong_oblivious_has_sha(void);

/// SHA-256 of `message` (at most 119 bytes), 32 bytes to `digest`. Requires hutong_oblivious_has_sha().
void hutong_sha256_short(const void *message, size_t length, void *digest);

#endif
