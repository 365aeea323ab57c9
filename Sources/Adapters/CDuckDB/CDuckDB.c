// SPDX-License-Identifier: Apache-2.0
#include "CDuckDB.h"

#include <dlfcn.h>
#include <stddef.h>

enum {
#define CDUCKDB_PLACE(result, name, parameters, arguments) place_##name,
    CDUCKDB_FUNCTIONS(CDUCKDB_PLACE)
#undef CDUCKDB_PLACE
    place_count
};

static void *functions[place_count];

static const char *const names[place_count] = {
#define CDUCKDB_NAME(result, name, parameters, arguments) "duckdb_" #name,
    CDUCKDB_FUNCTIONS(CDUCKDB_NAME)
#undef CDUCKDB_NAME
};

#define CDUCKDB_FORWARD(result, name, parameters, arguments) \
    result cduckdb_##name parameters { return ((result(*) parameters)functions[place_##name])arguments; }
CDUCKDB_FUNCTIONS(CDUCKDB_FORWARD)

// The library inside the wheel names symbols of the interpreter (it never calls them from the C API), so
// the loader wants libpython present, globally, before it. The official libduckdb does not.
static void *open_library(const char *library) {
    static const char *const interpreters[] = {"libpython3.11.so.1.0", "libpython3.11.so", "libpython3.so"};
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    for (size_t i = 0; handle == NULL && i < sizeof interpreters / sizeof interpreters[0]; i++) {
        if (dlopen(interpreters[i], RTLD_NOW | RTLD_GLOBAL) != NULL) {
            handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
        }
    }
    return handle;
}

const char *cduckdb_load(const char *library) {
    void *handle = open_library(library);
    if (handle == NULL) return dlerror();
    for (size_t i = 0; i < place_count; i++) {
        functions[i] = dlsym(handle, names[i]);
        if (functions[i] == NULL) return names[i];
    }
    return NULL;
}
