// SPDX-License-Identifier: Apache-2.0
// What a page needs beside its HTML, embedded so that the binary needs no file beside it.
#ifndef CASSETS_H
#define CASSETS_H
#include <stddef.h>

/// The style sheet of every page. `*size` is set to its length in bytes.
const unsigned char *hutong_style_sheet(size_t *size);

/// The sign of the house, SVG. `*size` is set to its length in bytes.
const unsigned char *hutong_icon(size_t *size);
/// The script that works a proof of inclusion out in a browser. `*size` is set to its length in bytes.
const unsigned char *hutong_proof_script(size_t *size);

#endif
