// SPDX-License-Identifier: Apache-2.0
#include "CTexts.h"

// One line a room. HouseTests compares this list with the folder Texts/.

static const unsigned char app[] = {
#embed "../../../Texts/app.yaml"
};
static const unsigned char casework[] = {
#embed "../../../Texts/casework.yaml"
};
static const unsigned char packs[] = {
#embed "../../../Texts/packs.yaml"
};
static const unsigned char rules[] = {
#embed "../../../Texts/rules.yaml"
};
static const unsigned char store[] = {
#embed "../../../Texts/store.yaml"
};

static const struct {
    const unsigned char *bytes;
    size_t size;
} files[] = {
    {app, sizeof app},
    {casework, sizeof casework},
    {packs, sizeof packs},
    {rules, sizeof rules},
    {store, sizeof store},
};

const unsigned char *hutong_text_file(size_t place, size_t *size) {
    if (place >= sizeof files / sizeof files[0]) return NULL;
    *size = files[place].size;
    return files[place].bytes;
}
