// The object operations that clients reach. An operation a file under ops/.
#pragma once

#include "rpc/rpc.h"

namespace daos::engine {

class Target;

// Registers all of them.
void registerObjectService(Target& target, rpc::Endpoint& endpoint);

void registerUpdate(Target& target, rpc::Endpoint& endpoint);
void registerFetch(Target& target, rpc::Endpoint& endpoint);
void registerPunch(Target& target, rpc::Endpoint& endpoint);
void registerEnumerate(Target& target, rpc::Endpoint& endpoint);
void registerQuery(Target& target, rpc::Endpoint& endpoint);

}  // namespace daos::engine
