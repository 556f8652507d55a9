// The options of an engine, as engineStart gets them.
#pragma once

#include "engine/engine.h"
#include "node/command.h"

namespace daos::node {

// Whether the command was whole says reader.status().
engine::EngineOptions readEngineOptions(CommandReader& reader);

}  // namespace daos::node
