// SPDX-License-Identifier: Apache-2.0
//
// Finds the few places of a text at which an identifier can stand. One pass, no allocation, no look-ahead beyond
// the text. Scan/Tokens.swift holds the same in Swift, for other processors and to compare with.
#ifndef CSCAN_H
#define CSCAN_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// A maximal run of ASCII letters and digits, or one sign ('@', ':', the last byte of '：').
typedef struct {
    uint32_t start;
    uint32_t end;
} cscan_token;

/// Whether this processor has what cscan_tokens needs (AVX2).
bool cscan_is_supported(void);

/// Writes the tokens of text[*position ..< length] that contain a digit, or that begin with a capital after a
/// byte of a non-ASCII character, and every '@', ':' and '：'. Stops when `capacity` tokens are written; *position
/// says where to go on. `length` is below 2^32.
size_t cscan_tokens(const uint8_t *text, size_t length, size_t *position, cscan_token *tokens, size_t capacity);

#endif
