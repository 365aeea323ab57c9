// SPDX-License-Identifier: Apache-2.0
#include "CTexts.h"

// One line a room. HouseTests compares this list with the folder Texts/.

static const unsigned char app[] = {
#embed "../../../Texts/app.yaml"
};
static const unsigned char store[] = {
#embed "../../../Texts/store.yaml"
};
static const unsigned char policy[] = {
#embed "../../../Texts/policy.yaml"
};
static const unsigned char dataspace[] = {
#embed "../../../Texts/dataspace.yaml"
};
static const unsigned char publish_open_data[] = {
#embed "../../../Texts/publish-open-data.yaml"
};

static const struct {
    const unsigned char *bytes;
    size_t size;
} files[] = {
    {app, sizeof app},
    {store, sizeof store},
    {policy, sizeof policy},
    {dataspace, sizeof dataspace},
    {publish_open_data, sizeof publish_open_data},
};

const unsigned char *hutong_text_file(size_t place, size_t *size) {
    if (place >= sizeof files / sizeof files[0]) return NULL;
    *size = files[place].size;
    return files[place].bytes;
}
