#include "model/object_class.h"

namespace daos {

const ObjectClass* findObjectClass(std::string_view name) {
  for (const ObjectClass& each : kObjectClasses) {
    if (each.name == name) return &each;
  }
  return nullptr;
}

const ObjectClass* findObjectClass(uint8_t redundancy, uint16_t groupCount) {
  for (const ObjectClass& each : kObjectClasses) {
    if (each.redundancy == redundancy && each.groupCount == groupCount) return &each;
  }
  return nullptr;
}

}  // namespace daos
