// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// RFC 6962 §2.1 over SHA-256 (FIPS 180-4), in batches. No allocation, no state. The processor's SHA
// instructions are used where it has them; the portable form gives the same bytes. Nothing here is secret.

/// SHA-256(0x00 ‖ entry) into `hash` (32 bytes).
void hutong_merkle_leaf(const uint8_t *entry, size_t size, uint8_t *hash);

/// `count` nodes: parents[i] = SHA-256(0x01 ‖ children[2i] ‖ children[2i+1]), 32 bytes each.
/// `parents` may begin where `children` does.
void hutong_merkle_nodes(const uint8_t *children, size_t count, uint8_t *parents);

/// Whether the processor's SHA instructions are used.
bool hutong_merkle_is_accelerated(void);

/// Turns the SHA instructions off (or on again, where there are any), for comparing the two forms in tests.
void hutong_merkle_accelerate(bool wanted);
