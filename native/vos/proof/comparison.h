// Compares what a container answers with what the model says it must. Every function returns the
// first difference in words, or nothing.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "vos/proof/listing.h"
#include "vos/proof/reference_model.h"
#include "vos/vos.h"

namespace daos::vos::proof {

// A difference between store and model.
using Difference = std::optional<std::string>;

// Brings what a fetch has found on Media into memory.
using MediaReader = std::function<Status(FetchResult&)>;

class Comparison {
 public:
  // `readMedia`: of a store that has bulk data.
  Comparison(Container& container, const ReferenceModel& model, MediaReader readMedia = nullptr)
      : container_(container), model_(model), readMedia_(std::move(readMedia)) {}

  // A fetch as the operation describes it: its code, sizes, segments and bytes.
  Difference fetch(const Operation& operation);
  // How the last fetch ended.
  ErrorCode fetchCode() const { return fetchCode_; }
  Difference query(const Operation& operation);
  // All pages, of `pageSize` entries each.
  Difference list(const Listing& listing, uint32_t pageSize);
  // One akey as a read sees it, whole.
  Difference akey(const ObjectId& oid, const std::string& dkey, const std::string& akey,
                  ModelView view);
  // What `operation` wrote, as reads see it at its epoch and at the end of time.
  Difference touched(const Operation& operation);
  // Everything there is: all names, all data visible at `epoch`, and all stored versions.
  Difference everything(Epoch epoch, uint32_t pageSize);

 private:
  Difference transactionsAndPins();
  Difference inDoubt(const Operation& operation);
  Difference fetchedValue(const Operation& operation, const AkeyPart& part,
                          const FetchedValue& value);
  Difference fetchedSingle(const ModelWrite* expected, const FetchedValue& value, bool isSizesOnly);
  Difference fetchedArray(const AkeyPart& part, const std::vector<ModelPiece>& pieces,
                          const FetchedValue& value, bool isSizesOnly);
  Difference segment(const Segment& segment, const ModelPiece& piece, uint64_t offset,
                     uint64_t size, bool isRecordSizeKnown);
  Difference checksums(const Segment& segment, uint64_t done, const ModelPiece& piece,
                       uint64_t offset);
  Difference versions(const ObjectId& oid, const std::string& dkey, const std::string& akey,
                      uint32_t pageSize);
  Difference names(Level level, const ObjectId& oid, const std::string& dkey, uint32_t pageSize);
  Difference object(const ObjectId& oid, Epoch epoch, uint32_t pageSize);

  Container& container_;
  const ReferenceModel& model_;
  const MediaReader readMedia_;
  FetchResult result_;
  ErrorCode fetchCode_ = ErrorCode::kOk;
};

}  // namespace daos::vos::proof
