#include "simulator/system/client_node.h"

namespace daos::simulator {

Task<Result<Epoch>> ClientSubject::update(ObjectId oid, const client::UpdateArguments& arguments) {
  DAOS_CO_TRY(const auto object, client::Object::open(container_, oid));
  co_return co_await client::update(*object, arguments);
}

Task<Result<Epoch>> ClientSubject::fetch(ObjectId oid, const client::FetchArguments& arguments) {
  DAOS_CO_TRY(const auto object, client::Object::open(container_, oid));
  co_return co_await client::fetch(*object, arguments);
}

Task<Result<Epoch>> ClientSubject::punch(ObjectId oid, const client::PunchArguments& arguments) {
  DAOS_CO_TRY(const auto object, client::Object::open(container_, oid));
  co_return co_await client::punch(*object, arguments);
}

Task<Result<Subject::Keys>> ClientSubject::list(ObjectId oid,
                                                const client::EnumerateArguments& arguments) {
  DAOS_CO_TRY(const auto object, client::Object::open(container_, oid));
  client::EnumerationAnchor anchor;
  Keys keys;
  while (!anchor.isEnd) {
    DAOS_CO_TRY(const client::EnumerationPage page,
                co_await client::enumerate(*object, arguments, anchor));
    keys.keys.insert(keys.keys.end(), page.keys.begin(), page.keys.end());
    ++keys.pageCount;
  }
  co_return keys;
}

ClientNode::ClientNode(World& world, uint32_t id, const KeySpace& keys, Recorder& recorder,
                       ClientNodeArguments arguments)
    : Node(world, id), keys_(keys), recorder_(recorder), arguments_(std::move(arguments)) {}

void ClientNode::onBoot() {
  Process& own = process();
  endpoint_ = rpc::Endpoint::create(own.reactor(), own.random());
  endpoint_->addTransport(world().network().createTransport(own));
  context_ = std::make_unique<client::Context>(own.reactor(), own.random(), *endpoint_);
  own.reactor().spawn(connect());
}

void ClientNode::onCrash() {
  for (size_t i = 0; i < arguments_.depth; ++i) recorder_.abandon(driverId(i));
  drivers_.clear();
  subject_.reset();
  pool_.reset();
  context_.reset();
  endpoint_.reset();
}

Task<void> ClientNode::connect() {
  auto pool = client::Pool::open(*context_, arguments_.pool, arguments_.map);
  if (!pool.ok()) {
    recorder_.violate({"connection", pool.error().describe(), {}});
    co_return;
  }
  pool_ = std::move(*pool);
  client::ContainerOptions options;
  if (arguments_.hasChecksums)
    options.checksums = {.type = ChecksumType::kCrc32c, .isVerifiedByServer = true};
  for (;;) {
    auto container = co_await client::Container::open(pool_, arguments_.container, options);
    if (container.ok()) {
      subject_ = std::make_unique<ClientSubject>(std::move(*container));
      break;
    }
    co_await process().reactor().sleep(20'000'000);
  }
  if (isVerifying_ || isStopping_) co_return;
  for (size_t i = 0; i < arguments_.depth; ++i) {
    drivers_.push_back(std::make_unique<ClientDriver>(
        process().reactor(), *subject_, keys_, recorder_,
        ClientDriver::Arguments{.client = driverId(i),
                                .seed = world().seed(),
                                .operationCount = arguments_.operationCount}));
    process().reactor().spawn(drivers_.back()->run());
  }
}

void ClientNode::stop() {
  isStopping_ = true;
  for (const auto& driver : drivers_) driver->stop();
}

bool ClientNode::isDone() const {
  for (const auto& driver : drivers_) {
    if (!driver->isDone()) return false;
  }
  return isStopping_ || !drivers_.empty();
}

void ClientNode::verify(std::vector<SnapshotQuestion> questions) {
  questions_ = std::move(questions);
  isVerifying_ = true;
  process().reactor().post([this] { process().reactor().spawn(runVerification()); });
  process().wake();
}

Task<void> ClientNode::runVerification() {
  while (!subject_) co_await process().reactor().sleep(1'000'000);
  ClientDriver driver(process().reactor(), *subject_, keys_, recorder_,
                      {.client = driverId(9), .seed = world().seed()});
  co_await driver.readAll(&verifyingReads_);
  co_await driver.rereadSnapshots(questions_);
  isVerified_ = true;
}

}  // namespace daos::simulator
