# The libraries the core stands on, as imported targets. tools/deps installs them; DAOS_DEPS_DIR
# (default ~/.cache/daos/deps) holds what the distribution lacks in the needed version.
find_package(PkgConfig REQUIRED)
set(DAOS_DEPS_DIR "$ENV{HOME}/.cache/daos/deps" CACHE PATH "libraries built by tools/deps")
file(GLOB daos_pkgconfig_dirs ${DAOS_DEPS_DIR}/*/lib/pkgconfig)
list(JOIN daos_pkgconfig_dirs ":" daos_pkgconfig_path)
set(ENV{PKG_CONFIG_PATH} "${daos_pkgconfig_path}:$ENV{PKG_CONFIG_PATH}")

pkg_check_modules(fabric IMPORTED_TARGET libfabric>=2.1)
pkg_check_modules(pmemobj IMPORTED_TARGET libpmemobj>=1.12 libpmem>=1.12)
pkg_check_modules(uring IMPORTED_TARGET liburing>=2.3)
pkg_check_modules(isal IMPORTED_TARGET libisal>=2.30)
pkg_check_modules(crypto IMPORTED_TARGET libcrypto>=3.0)
foreach(name fabric pmemobj uring isal crypto)
  if(NOT ${name}_FOUND)
    message(FATAL_ERROR "lib${name} is missing or too old: run tools/deps")
  endif()
  add_library(${name} ALIAS PkgConfig::${name})
endforeach()
