#include "beside_addon.h"

#include <dlfcn.h>

std::string beside_addon(const std::string &name) {
  Dl_info addon;
  if (dladdr(reinterpret_cast<const void *>(&beside_addon), &addon) == 0 || addon.dli_fname == nullptr) return name;
  const std::string path = addon.dli_fname;
  return path.substr(0, path.find_last_of('/') + 1) + name;
}
