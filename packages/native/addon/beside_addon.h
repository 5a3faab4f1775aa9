#pragma once

#include <string>

// The path of a file in the addon's own folder, wherever that is; the bare name where the folder cannot be found.
std::string beside_addon(const std::string &name);
