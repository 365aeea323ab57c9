// SPDX-License-Identifier: Apache-2.0
//
// AES-128/192/256 on many blocks at once by the processor's AES instructions (FIPS 197). The key schedule is made
// in Swift (FormatPreserving/AES.swift), where the twin of this function stands too.
// Timing: no branch and no table index depends on key or data.
#ifndef CAES_H
#define CAES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Whether this processor has AES instructions.
bool caes_is_supported(void);

/// Encrypts `count` blocks of 16 bytes in place: blocks[i] = AES(key, blocks[i] ^ mask). `schedule` holds
/// `rounds` + 1 round keys of 16 bytes.
void caes_encrypt(const uint8_t *schedule, int rounds, const uint8_t *mask, uint8_t *blocks, size_t count);

#endif
