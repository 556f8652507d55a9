#include "vos/proof/operation.h"

#include <array>
#include <charconv>

namespace daos::vos::proof {

namespace {

template <typename E>
struct Name {
  E value;
  std::string_view text;
};

constexpr Name<Verb> kVerbs[] = {
    {Verb::kUpdate, "update"},   {Verb::kPunch, "punch"},   {Verb::kFetch, "fetch"},
    {Verb::kQuery, "query"},     {Verb::kList, "list"},     {Verb::kContinue, "continue"},
    {Verb::kCompare, "compare"}, {Verb::kReopen, "reopen"}, {Verb::kCommit, "commit"},
    {Verb::kAbort, "abort"},     {Verb::kForget, "forget"}, {Verb::kPin, "pin"},
    {Verb::kUnpin, "unpin"},     {Verb::kAggregate, "aggregate"},
    {Verb::kDiscard, "discard"},
};
constexpr Name<Level> kLevels[] = {
    {Level::kObject, "object"}, {Level::kDkey, "dkey"},     {Level::kAkey, "akey"},
    {Level::kExtent, "extent"}, {Level::kSingle, "single"}, {Level::kPunch, "punch"},
};
constexpr Name<QueryWhat> kQuestions[] = {
    {QueryWhat::kMaxDkey, "maxDkey"},     {QueryWhat::kMinDkey, "minDkey"},
    {QueryWhat::kMaxAkey, "maxAkey"},     {QueryWhat::kMinAkey, "minAkey"},
    {QueryWhat::kMaxExtent, "maxExtent"}, {QueryWhat::kMinExtent, "minExtent"},
};
constexpr Name<Condition> kConditions[] = {
    {kDkeyInsert, "dkeyInsert"}, {kDkeyUpdate, "dkeyUpdate"}, {kDkeyFetch, "dkeyFetch"},
    {kDkeyPunch, "dkeyPunch"},   {kAkeyInsert, "akeyInsert"}, {kAkeyUpdate, "akeyUpdate"},
    {kAkeyFetch, "akeyFetch"},   {kAkeyPunch, "akeyPunch"},   {kObjectPunch, "objectPunch"},
    {kPerAkey, "perAkey"},
};

template <typename E, size_t N>
std::string_view nameOf(const Name<E> (&names)[N], E value) {
  for (const Name<E>& name : names) {
    if (name.value == value) return name.text;
  }
  return "?";
}

template <typename E, size_t N>
bool findName(const Name<E> (&names)[N], std::string_view text, E* value) {
  for (const Name<E>& name : names) {
    if (name.text != text) continue;
    *value = name.value;
    return true;
  }
  return false;
}

std::string conditionsText(Conditions conditions) {
  std::string text;
  for (const Name<Condition>& name : kConditions) {
    if ((conditions & name.value) == 0) continue;
    if (!text.empty()) text += ',';
    text += name.text;
  }
  return text;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  while (true) {
    const size_t end = text.find(separator);
    if (const auto piece = text.substr(0, end); !piece.empty()) pieces.push_back(piece);
    if (end == std::string_view::npos) return pieces;
    text.remove_prefix(end + 1);
  }
}

template <typename N>
bool parseNumber(std::string_view text, N* number, int base = 10) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number, base);
  return error == std::errc{} && end == text.data() + text.size() && !text.empty();
}

// Both sides of `text` around its first `separator`; `second` stays as it is without one.
template <typename A, typename B>
bool parsePair(std::string_view text, char separator, A* first, B* second) {
  const size_t middle = text.find(separator);
  if (!parseNumber(text.substr(0, middle), first)) return false;
  return middle == std::string_view::npos || parseNumber(text.substr(middle + 1), second);
}

bool parseKey(std::string_view text, std::string* key) {
  key->clear();
  for (const std::string_view run : split(text, '.')) {
    const size_t star = run.find('*');
    const std::string_view digits = run.substr(0, star);
    uint32_t count = 1;
    if (digits.size() % 2 != 0) return false;
    if (star != std::string_view::npos &&
        (digits.size() != 2 || !parseNumber(run.substr(star + 1), &count) || count > (1u << 20))) {
      return false;
    }
    for (size_t i = 0; i < digits.size(); i += 2) {
      uint8_t byte = 0;
      if (!parseNumber(digits.substr(i, 2), &byte, 16)) return false;
      key->append(count, static_cast<char>(byte));
    }
  }
  return true;
}

bool parseConditions(std::string_view text, Conditions* conditions) {
  for (const std::string_view word : split(text, ',')) {
    Condition condition{};
    if (!findName(kConditions, word, &condition)) return false;
    *conditions |= condition;
  }
  return true;
}

bool parseExtents(std::string_view text, std::vector<Extent>* extents) {
  for (const std::string_view word : split(text, ',')) {
    Extent extent;
    if (!parsePair(word, '+', &extent.index, &extent.count)) return false;
    extents->push_back(extent);
  }
  return true;
}

bool parseIds(std::string_view text, std::vector<uint32_t>* ids) {
  for (const std::string_view word : split(text, ',')) {
    if (!parseNumber(word, &ids->emplace_back())) return false;
  }
  return true;
}

bool parseObject(std::string_view text, ObjectId* oid) {
  uint8_t type = 0;
  uint64_t number = 0;
  if (!parsePair(text, ':', &type, &number)) return false;
  *oid = makeObject(type, number);
  return true;
}

bool parseChecksums(std::string_view text, bool isWrong, ChecksumForm* form) {
  form->isWrong = isWrong;
  return parsePair(text, ':', &form->type, &form->chunkSize) && form->type <= 3 &&
         (form->type == 0) == (form->chunkSize == 0);
}

bool parsePartField(std::string_view name, std::string_view value, AkeyPart& part) {
  if (name == "size" || name == "record") return parseNumber(value, &part.recordSize);
  if (name == "value") return parseNumber(value, &part.value);
  if (name == "extents") return parseExtents(value, &part.extents);
  if (name == "if") return parseConditions(value, &part.conditions);
  if (name == "checksums") return parseChecksums(value, false, &part.checksums);
  if (name == "wrongChecksums") return parseChecksums(value, true, &part.checksums);
  return false;
}

bool parseField(std::string_view name, std::string_view value, Operation& operation) {
  if (name == "object") return parseObject(value, &operation.oid);
  if (name == "dkey") return parseKey(value, &operation.dkey);
  if (name == "at") return parsePair(value, '.', &operation.epoch, &operation.minor);
  if (name == "from") return parseNumber(value, &operation.epochLow);
  if (name == "page") return parseNumber(value, &operation.pageSize);
  if (name == "if") return parseConditions(value, &operation.conditions);
  if (name == "transaction") return parseNumber(value, &operation.transaction);
  if (name == "ids") return parseIds(value, &operation.ids);
  if (name == "budget") return parseNumber(value, &operation.budget);
  if (name == "steps") return parseNumber(value, &operation.stepCount);
  if (name == "level") return findName(kLevels, value, &operation.level);
  if (name == "what") return findName(kQuestions, value, &operation.what);
  return false;
}

bool parseFlag(std::string_view word, Operation& operation) {
  if (word == "pending") return operation.isPending = true;
  if (word == "once") return operation.isOnce = true;
  if (word == "refusing") return operation.isRefusing = true;
  if (word == "tracked") return operation.isTracked = true;
  if (word == "sizes") return operation.isSizesOnly = true;
  if (word == "reverse") return operation.isReverse = true;
  if (word != "all") return false;
  operation.versions = Versions::kAll;
  return true;
}

bool parseWord(std::string_view word, Operation& operation) {
  const size_t equals = word.find('=');
  if (equals == std::string_view::npos) return parseFlag(word, operation);
  const std::string_view name = word.substr(0, equals);
  const std::string_view value = word.substr(equals + 1);
  if (name == "akey") return parseKey(value, &operation.akeys.emplace_back().akey);
  if (!operation.akeys.empty()) return parsePartField(name, value, operation.akeys.back());
  return parseField(name, value, operation);
}

void appendField(std::string& text, std::string_view name, std::string_view value) {
  text.append(" ").append(name).append("=").append(value);
}

void appendPart(std::string& text, const AkeyPart& part, Verb verb) {
  appendField(text, "akey", keyText(part.akey));
  if (verb != Verb::kUpdate && verb != Verb::kFetch) return;
  if (part.isArray()) {
    std::string extents;
    for (const Extent& extent : part.extents) {
      if (!extents.empty()) extents += ',';
      extents += std::to_string(extent.index) + '+' + std::to_string(extent.count);
    }
    appendField(text, "record", std::to_string(part.recordSize));
    appendField(text, "extents", extents);
  } else if (verb == Verb::kUpdate || part.recordSize != 0) {
    appendField(text, "size", std::to_string(part.recordSize));
  }
  if (part.value != 0) appendField(text, "value", std::to_string(part.value));
  if (part.conditions != 0) appendField(text, "if", conditionsText(part.conditions));
  const ChecksumForm& form = part.checksums;
  if (form.type == 0) return;
  appendField(text, form.isWrong ? "wrongChecksums" : "checksums",
              std::to_string(form.type) + ':' + std::to_string(form.chunkSize));
}

void appendTransaction(std::string& text, const Operation& operation) {
  if (operation.transaction != 0) {
    appendField(text, "transaction", std::to_string(operation.transaction));
  }
  std::string ids;
  for (const uint32_t id : operation.ids) ids += (ids.empty() ? "" : ",") + std::to_string(id);
  if (!ids.empty()) appendField(text, "ids", ids);
  if (operation.isOnce) text += " once";
  if (operation.isRefusing) text += " refusing";
  if (operation.isTracked) text += " tracked";
}

void appendReduction(std::string& text, const Operation& operation) {
  const bool isReduction = operation.verb == Verb::kAggregate || operation.verb == Verb::kDiscard;
  if (!isReduction && operation.verb != Verb::kForget) return;
  if (operation.epochLow != 0) appendField(text, "from", std::to_string(operation.epochLow));
  appendField(text, "budget", std::to_string(operation.budget));
  if (operation.stepCount != 0) appendField(text, "steps", std::to_string(operation.stepCount));
}

void appendListFields(std::string& text, const Operation& operation) {
  if (operation.verb == Verb::kList) {
    appendField(text, "level", nameOf(kLevels, operation.level));
    if (operation.epochLow != 0) appendField(text, "from", std::to_string(operation.epochLow));
    if (operation.versions == Versions::kAll) text += " all";
    if (operation.isReverse) text += " reverse";
  }
  if (operation.verb == Verb::kList || operation.verb == Verb::kContinue) {
    appendField(text, "page", std::to_string(operation.pageSize));
  }
}

}  // namespace

ObjectId makeObject(uint8_t type, uint64_t number) {
  return ObjectId::make({number, 0}, static_cast<ObjectType>(type), 1, 1);
}

TransactionId transactionId(uint32_t number) {
  // Not in the lowest byte, of which a UUID takes bits for its variant.
  return number == 0 ? TransactionId{} : Uuid::fromRandom(0x7472616e73, uint64_t{number} << 8);
}

std::string keyText(std::string_view key) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  bool isAfterRun = false;
  for (size_t i = 0; i < key.size();) {
    const size_t end = std::min(key.find_first_not_of(key[i], i), key.size());
    const bool isRun = end - i > 8;
    const size_t count = isRun ? end - i : 1;
    if ((isRun && !text.empty()) || isAfterRun) text += '.';
    text += kDigits[static_cast<uint8_t>(key[i]) >> 4];
    text += kDigits[static_cast<uint8_t>(key[i]) & 15];
    if (isRun) text += '*' + std::to_string(count);
    isAfterRun = isRun;
    i += count;
  }
  return text;
}

std::string toText(const Operation& operation) {
  std::string text(nameOf(kVerbs, operation.verb));
  if (operation.verb == Verb::kReopen) return text;
  if (operation.namesObject()) {
    appendField(text, "object",
                std::to_string(operation.oid.typeBits()) + ':' + std::to_string(operation.oid.low));
  }
  if (!operation.dkey.empty()) appendField(text, "dkey", keyText(operation.dkey));
  const bool isSettling = operation.verb == Verb::kCommit || operation.verb == Verb::kAbort;
  if (operation.verb != Verb::kContinue && !isSettling) {
    std::string epoch = std::to_string(operation.epoch);
    if (operation.minor != 0) epoch += '.' + std::to_string(operation.minor);
    appendField(text, "at", epoch);
  }
  if (operation.verb == Verb::kQuery) appendField(text, "what", nameOf(kQuestions, operation.what));
  appendListFields(text, operation);
  appendReduction(text, operation);
  appendTransaction(text, operation);
  if (operation.conditions != 0) appendField(text, "if", conditionsText(operation.conditions));
  if (operation.isPending) text += " pending";
  if (operation.isSizesOnly) text += " sizes";
  for (const AkeyPart& part : operation.akeys) appendPart(text, part, operation.verb);
  return text;
}

std::string toText(std::span<const Operation> history) {
  std::string text;
  for (const Operation& operation : history) text.append(toText(operation)).append("\n");
  return text;
}

Result<Operation> parseOperation(std::string_view line) {
  const std::vector<std::string_view> words = split(line, ' ');
  Operation operation;
  if (words.empty() || !findName(kVerbs, words[0], &operation.verb)) {
    return invalid("'" + std::string(line) + "' does not begin with a verb");
  }
  for (const std::string_view word : std::span(words).subspan(1)) {
    if (!parseWord(word, operation)) return invalid("'" + std::string(word) + "' is no field here");
  }
  return operation;
}

Result<std::vector<Operation>> parseHistory(std::string_view text) {
  std::vector<std::string> lines;
  for (const std::string_view line : split(text, '\n')) {
    const size_t begin = line.find_first_not_of(' ');
    if (begin == std::string_view::npos || line[begin] == '#') continue;
    if (line.substr(begin).starts_with("akey=") && !lines.empty()) {
      lines.back().append(" ").append(line.substr(begin));
    } else {
      lines.emplace_back(line);
    }
  }
  std::vector<Operation> history;
  for (const std::string& line : lines) {
    Result<Operation> operation = parseOperation(line);
    if (!operation.ok()) return std::move(operation).error().within(line);
    history.push_back(std::move(operation).value());
  }
  return history;
}

std::vector<IoDescriptor> descriptorsOf(const Operation& operation) {
  std::vector<IoDescriptor> descriptors;
  for (const AkeyPart& part : operation.akeys) {
    IoDescriptor& descriptor = descriptors.emplace_back();
    descriptor.akey = bytesOf(part.akey);
    descriptor.type = part.isArray() ? ValueType::kArray : ValueType::kSingle;
    descriptor.recordSize = part.recordSize;
    descriptor.extents = part.extents;
    descriptor.conditions = part.conditions;
  }
  return descriptors;
}

}  // namespace daos::vos::proof
