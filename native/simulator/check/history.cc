#include "simulator/check/history.h"

namespace daos::simulator {

std::string describe(const Operation& operation) {
  std::string text = "operation " + std::to_string(operation.id) + " of client " +
                     std::to_string(operation.client) + " [" + std::to_string(operation.invokedNs) +
                     ", " +
                     (operation.isKnown() ? std::to_string(operation.returnedNs) : "unknown") + "]";
  for (const CellGuard& guard : operation.guards) {
    text += " saw " + std::to_string(guard.cell) + (guard.isNegated ? "!=" : "=") +
            std::to_string(guard.value);
  }
  for (const auto& cells : operation.anyPresent) {
    text += " saw something among " + std::to_string(cells.size()) + " cells";
  }
  for (const CellWrite& write : operation.writes) {
    text += " wrote " + std::to_string(write.cell) + "=" + std::to_string(write.value);
  }
  return text;
}

}  // namespace daos::simulator
