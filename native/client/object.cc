#include "client/object.h"

namespace daos::client {

Result<std::shared_ptr<Object>> Object::open(std::shared_ptr<Container> container, ObjectId oid) {
  std::shared_ptr<Object> object(new Object(std::move(container), oid));
  DAOS_CHECK(object->layout());
  return object;
}

Result<const placement::Layout*> Object::layout() {
  const placement::PoolMap& map = container_->pool().map();
  if (!hasLayout_ || map.version != layoutVersion_) {
    DAOS_TRY(layout_, placement::computeLayout(map, oid_));
    layoutVersion_ = map.version;
    hasLayout_ = true;
  }
  return &layout_;
}

Result<uint32_t> Object::targetOf(Bytes dkey) {
  DAOS_TRY(const placement::Layout* current, layout());
  return current->groups[placement::groupOfDkey(*current, dkey)];
}

}  // namespace daos::client
