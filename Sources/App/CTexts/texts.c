// SPDX-License-Identifier: Apache-2.0
#include "CTexts.h"

// One line a room. HouseTests compares this list with the folder Texts/.

static const unsigned char app[] = {
#embed "../../../Texts/app.yaml"
};
static const unsigned char ledger[] = {
#embed "../../../Texts/ledger.yaml"
};
static const unsigned char metering[] = {
#embed "../../../Texts/metering.yaml"
};
static const unsigned char pricing[] = {
#embed "../../../Texts/pricing.yaml"
};
static const unsigned char store[] = {
#embed "../../../Texts/store.yaml"
};
static const unsigned char tables[] = {
#embed "../../../Texts/tables.yaml"
};
static const unsigned char privacybudget[] = {
#embed "../../../Texts/privacybudget.yaml"
};
static const unsigned char privatesql[] = {
#embed "../../../Texts/privatesql.yaml"
};
static const unsigned char identity[] = {
#embed "../../../Texts/identity.yaml"
};
static const unsigned char transparency[] = {
#embed "../../../Texts/transparency.yaml"
};

static const struct {
    const unsigned char *bytes;
    size_t size;
} files[] = {
    {app, sizeof app},
    {privacybudget, sizeof privacybudget},
    {privatesql, sizeof privatesql},
    {store, sizeof store},
    {tables, sizeof tables},
    {ledger, sizeof ledger},
    {metering, sizeof metering},
    {pricing, sizeof pricing},
    {identity, sizeof identity},
    {transparency, sizeof transparency},
};

const unsigned char *hutong_text_file(size_t place, size_t *size) {
    if (place >= sizeof files / sizeof files[0]) return NULL;
    *size = files[place].size;
    return files[place].bytes;
}
