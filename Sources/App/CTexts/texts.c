// SPDX-License-Identifier: Apache-2.0
#include "CTexts.h"

// Two lines a room. HouseTests compares this list with the folder Texts/.
static const unsigned char app_texts[] = {
#embed "../../../Texts/app.yaml"
};
static const unsigned char casework_texts[] = {
#embed "../../../Texts/casework.yaml"
};
static const unsigned char classification_texts[] = {
#embed "../../../Texts/classification.yaml"
};
static const unsigned char collect_texts[] = {
#embed "../../../Texts/collect.yaml"
};
static const unsigned char compute_texts[] = {
#embed "../../../Texts/compute.yaml"
};
static const unsigned char dataspace_texts[] = {
#embed "../../../Texts/dataspace.yaml"
};
static const unsigned char deliver_texts[] = {
#embed "../../../Texts/deliver.yaml"
};
static const unsigned char demo_texts[] = {
#embed "../../../Texts/demo.yaml"
};
static const unsigned char identity_texts[] = {
#embed "../../../Texts/identity.yaml"
};
static const unsigned char lane_texts[] = {
#embed "../../../Texts/lane.yaml"
};
static const unsigned char ledger_texts[] = {
#embed "../../../Texts/ledger.yaml"
};
static const unsigned char metering_texts[] = {
#embed "../../../Texts/metering.yaml"
};
static const unsigned char packs_texts[] = {
#embed "../../../Texts/packs.yaml"
};
static const unsigned char policy_texts[] = {
#embed "../../../Texts/policy.yaml"
};
static const unsigned char pricing_texts[] = {
#embed "../../../Texts/pricing.yaml"
};
static const unsigned char privatesql_texts[] = {
#embed "../../../Texts/privatesql.yaml"
};
static const unsigned char psi_texts[] = {
#embed "../../../Texts/psi.yaml"
};
static const unsigned char publish_texts[] = {
#embed "../../../Texts/publish.yaml"
};
static const unsigned char register_texts[] = {
#embed "../../../Texts/register.yaml"
};
static const unsigned char rules_texts[] = {
#embed "../../../Texts/rules.yaml"
};
static const unsigned char store_texts[] = {
#embed "../../../Texts/store.yaml"
};
static const unsigned char tables_texts[] = {
#embed "../../../Texts/tables.yaml"
};
static const unsigned char trade_texts[] = {
#embed "../../../Texts/trade.yaml"
};
static const unsigned char transparency_texts[] = {
#embed "../../../Texts/transparency.yaml"
};
static const unsigned char valve_texts[] = {
#embed "../../../Texts/valve.yaml"
};

static const struct {
    const unsigned char *bytes;
    size_t size;
} files[] = {
    {app_texts, sizeof app_texts},
    {casework_texts, sizeof casework_texts},
    {classification_texts, sizeof classification_texts},
    {collect_texts, sizeof collect_texts},
    {compute_texts, sizeof compute_texts},
    {dataspace_texts, sizeof dataspace_texts},
    {deliver_texts, sizeof deliver_texts},
    {demo_texts, sizeof demo_texts},
    {identity_texts, sizeof identity_texts},
    {lane_texts, sizeof lane_texts},
    {ledger_texts, sizeof ledger_texts},
    {metering_texts, sizeof metering_texts},
    {packs_texts, sizeof packs_texts},
    {policy_texts, sizeof policy_texts},
    {pricing_texts, sizeof pricing_texts},
    {privatesql_texts, sizeof privatesql_texts},
    {psi_texts, sizeof psi_texts},
    {publish_texts, sizeof publish_texts},
    {register_texts, sizeof register_texts},
    {rules_texts, sizeof rules_texts},
    {store_texts, sizeof store_texts},
    {tables_texts, sizeof tables_texts},
    {trade_texts, sizeof trade_texts},
    {transparency_texts, sizeof transparency_texts},
    {valve_texts, sizeof valve_texts},
};

const unsigned char *hutong_text_file(size_t place, size_t *size) {
    if (place >= sizeof files / sizeof files[0]) return NULL;
    *size = files[place].size;
    return files[place].bytes;
}
