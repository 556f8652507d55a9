#include "vos/proof/query_expectation.h"

namespace daos::vos::proof {

bool isMaximum(QueryWhat what) {
  return what == QueryWhat::kMaxDkey || what == QueryWhat::kMaxAkey ||
         what == QueryWhat::kMaxExtent;
}

namespace {

// Works a query out from the model.
class QueryExpectation {
 public:
  QueryExpectation(const ReferenceModel& model, const Operation& operation)
      : model_(model), operation_(operation), wantedAkey_(textOf(operation.akeyBytes())) {}

  std::optional<QueryAnswer> run() const {
    std::optional<QueryAnswer> best;
    const ModelObject* object = model_.object(operation_.oid);
    if (!object) return best;
    for (const auto& [name, dkey] : object->dkeys) {
      if (!operation_.dkey.empty() && name != operation_.dkey) continue;
      if (best && !isBetter(operation_.oid.dkeyType(), name, best->dkey)) continue;
      if (auto answer = atDkey(name, dkey)) best = std::move(answer);
    }
    return best;
  }

 private:
  bool isBetter(KeyType type, const std::string& a, const std::string& b) const {
    return isMaximum(operation_.what) ? isKeyBefore(type, b, a) : isKeyBefore(type, a, b);
  }

  std::optional<QueryAnswer> atDkey(const std::string& name, const ModelDkey& dkey) const {
    const EpochRange until = {0, operation_.epoch};
    std::optional<QueryAnswer> best;
    if (operation_.what == QueryWhat::kMaxDkey || operation_.what == QueryWhat::kMinDkey) {
      if (model_.isVisible(operation_.oid, name, until, operation_.transaction))
        best.emplace().dkey = name;
      return best;
    }
    for (const auto& [akeyName, akey] : dkey.akeys) {
      if (!wantedAkey_.empty() && akeyName != wantedAkey_) continue;
      if (best && !isBetter(operation_.oid.akeyType(), akeyName, best->akey)) continue;
      if (auto answer = atAkey(name, akeyName, akey)) best = std::move(answer);
    }
    return best;
  }

  std::optional<QueryAnswer> atAkey(const std::string& dkeyName, const std::string& name,
                                    const ModelAkey& akey) const {
    if (operation_.what == QueryWhat::kMaxAkey || operation_.what == QueryWhat::kMinAkey) {
      const EpochRange until = {0, operation_.epoch};
      if (!model_.isVisible(operation_.oid, dkeyName, name, until, operation_.transaction))
        return {};
      return QueryAnswer{dkeyName, name, 0, 0};
    }
    const ModelView view(operation_.epoch, operation_.transaction);
    const Hidden hidden = model_.hiddenAt(operation_.oid, dkeyName, name, view);
    std::optional<QueryAnswer> answer;
    for (const ModelPiece& piece : visiblePieces(akey, hidden, view, kWholeArray)) {
      if (!piece.isData() || (answer && !isMaximum(operation_.what))) continue;
      answer = QueryAnswer{dkeyName, name,
                      isMaximum(operation_.what) ? piece.extent.end() : piece.extent.index,
                      piece.write->recordSize};
    }
    return answer;
  }

  const ReferenceModel& model_;
  const Operation& operation_;
  const std::string wantedAkey_;
};

}  // namespace

std::optional<QueryAnswer> expectedAnswer(const ReferenceModel& model,
                                          const Operation& operation) {
  return QueryExpectation(model, operation).run();
}

bool hasNoOrder(const Operation& operation) {
  const bool isDkeyQuery =
      operation.what == QueryWhat::kMaxDkey || operation.what == QueryWhat::kMinDkey;
  return (operation.dkey.empty() && operation.oid.dkeyType() == KeyType::kHashed) ||
         (!isDkeyQuery && operation.akeyBytes().empty() &&
          operation.oid.akeyType() == KeyType::kHashed);
}

}  // namespace daos::vos::proof
