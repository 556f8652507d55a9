// Object classes: how an object is protected and how far it spreads. The table is generated from
// native/schema/object_classes.json.
#pragma once

#include <string_view>

#include "model/generated/object_classes.h"

namespace daos {

// The class of that name ("RP_2G1"), or null.
const ObjectClass* findObjectClass(std::string_view name);
// The class with these bits of an object's id, or null. The engine refuses ids without a class.
const ObjectClass* findObjectClass(uint8_t redundancy, uint16_t groupCount);

}  // namespace daos
