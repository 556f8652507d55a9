#include "engine/object/object_service.h"

namespace daos::engine {

void registerObjectService(Target& target, rpc::Endpoint& endpoint) {
  registerUpdate(target, endpoint);
  registerFetch(target, endpoint);
  registerPunch(target, endpoint);
  registerEnumerate(target, endpoint);
  registerQuery(target, endpoint);
}

}  // namespace daos::engine
