// SPDX-License-Identifier: Apache-2.0
#include "CAssets.h"

static const unsigned char style_sheet[] = {
#embed "hutong.css"
};
static const unsigned char icon[] = {
#embed "hutong.svg"
};
static const unsigned char proof_script[] = {
#embed "proof.js"
};

const unsigned char *hutong_style_sheet(size_t *size) {
    *size = sizeof style_sheet;
    return style_sheet;
}

const unsigned char *hutong_icon(size_t *size) {
    *size = sizeof icon;
    return icon;
}

const unsigned char *hutong_proof_script(size_t *size) {
    *size = sizeof proof_script;
    return proof_script;
}
