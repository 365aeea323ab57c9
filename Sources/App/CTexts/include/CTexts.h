// SPDX-License-Identifier: Apache-2.0
// The sentences of every room's problems, embedded so that the binary needs no file beside it.
#ifndef CTEXTS_H
#define CTEXTS_H
#include <stddef.h>

/// The embedded file at `place`, or NULL past the last one. `*size` is set to its length in bytes.
const unsigned char *hutong_text_file(size_t place, size_t *size);

#endif
