// SPDX-License-Identifier: Apache-2.0
// Field arithmetic in lanes: eight with AVX-512 IFMA, four with AVX2. No allocation, no protocol logic; the Swift twins
// are in Curves.
#ifndef CCURVES_H
#define CCURVES_H
#include <stddef.h>
#include <stdint.h>

/// 1 when this processor and system run the kernels that end in _ifma, and those of SM2.
int hutong_curves_has_ifma(void);

/// 1 when this processor and system run the kernels that end in _avx2.
int hutong_curves_has_avx2(void);

/// For each of `count` 32-byte little-endian u: u = scalar·u on Curve25519 (0 for the neutral element).
/// Scalar i stands at scalars + i * stride (stride 0: one scalar for all), 32 bytes, used without clamping.
/// Constant time in u and scalar.
void hutong_x25519_batch_ifma(void *u, const void *scalars, size_t stride, size_t count);
void hutong_x25519_batch_avx2(void *u, const void *scalars, size_t stride, size_t count);

/// For each of `count` 32-byte field elements r: r = u-coordinate of Elligator 2 of r (RFC 9380 6.7.1).
void hutong_elligator2_batch_ifma(void *r, size_t count);
void hutong_elligator2_batch_avx2(void *r, size_t count);

/// For each of `count` 32-byte big-endian x: x = x-coordinate of scalar·(x, y) on SM2. `scalar` is 32 bytes, big-endian,
/// odd and random. Returns 1, or 0 when an x is not below p or not on the curve: then x holds nothing of use.
/// Constant time in scalar, and in x but for the answer.
int hutong_sm2_multiply_batch(void *x, const void *scalar, size_t count);

/// For each of `count` 32-byte big-endian field elements u: u = x-coordinate of scalar·M(u), where M is the simplified
/// SWU map of RFC 9380 6.6.2 with Z = -9. Constant time in both.
void hutong_sm2_mask_batch(void *u, const void *scalar, size_t count);

#endif
