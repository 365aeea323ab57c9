// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <sqlite3.h>

// A macro with a cast, which Swift does not import: SQLite copies the bytes before the call returns.
static const sqlite3_destructor_type hutong_sqlite_copy = SQLITE_TRANSIENT;

// A variadic function, which Swift does not import.
static inline int hutong_sqlite_without_memory_statistics(void) {
    return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}
