// What an engine does with devices: those of its shares, and those that it was given.
#include <algorithm>
#include <iterator>

#include "engine/threaded_engine.h"

namespace daos::engine {

Status ThreadedEngine::openDevices() {
  if (options_.storage.devices.empty()) return {};
  SystemRandom random;
  DAOS_TRY(devices_, EngineDevices::open({.directory = options_.dataDirectory,
                                          .rank = options_.rank,
                                          .targetCount = options_.targetCount,
                                          .errorCountMax = options_.deviceErrorCountMax,
                                          .options = options_.storage,
                                          .log = options_.log},
                                         random));
  return {};
}

void ThreadedEngine::watchDevices() {
  if (!devices_) return;
  devices_->onFailed([this](uint32_t device, const Error& error) {
    for (const uint32_t user : devices_->usersOf(device)) {
      targets_[user]->post([device, error](Target& target) -> Task<void> {
        [[maybe_unused]] const Status known = co_await target.failDevice(device, error);
      });
    }
  });
}

void ThreadedEngine::onUsers(uint32_t device, Work work, Done done) {
  onAllOrFail(
      [users = devices_->usersOf(device), work = std::move(work)](Target& target) -> Task<Status> {
        const uint32_t index = target.options().index;
        const bool isUser = std::find(users.begin(), users.end(), index) != users.end();
        if (isUser) co_return co_await work(target);
        co_return Status{};
      },
      std::move(done));
}

void ThreadedEngine::onOwner(Work work, Done done) {
  onAll(std::move(work), [done = std::move(done)](std::vector<Status> statuses) {
    for (Status& status : statuses) {
      if (status.code() != ErrorCode::kNonexist) return done(std::move(status));
    }
    done(std::move(statuses.front()));
  });
}

void ThreadedEngine::queryDevices(std::function<void(std::vector<DeviceReport>)> done) {
  auto found = std::make_shared<std::vector<std::vector<DeviceReport>>>(targets_.size());
  onAll(
      [found](Target& target) -> Task<Status> {
        (*found)[target.options().index] = target.queryDevices();
        co_return Status{};
      },
      [found, done = std::move(done)](std::vector<Status>) {
        std::vector<DeviceReport> all;
        for (auto& reports : *found)
          std::move(reports.begin(), reports.end(), std::back_inserter(all));
        done(std::move(all));
      });
}

void ThreadedEngine::setDeviceFaulty(std::string path, std::string why, Done done) {
  const auto device =
      devices_ ? devices_->find(path) : Result<uint32_t>(Error(ErrorCode::kNonexist));
  if (device.ok()) return giveUp(*device, std::move(why), std::move(done));
  onOwner([path, why](Target& target) { return target.setDeviceFaulty(path, why); },
          std::move(done));
}

// Remembered before it takes effect, on a thread of a target: that takes a file's flush.
void ThreadedEngine::giveUp(uint32_t device, std::string why, Done done) {
  const uint32_t user = devices_->usersOf(device).front();
  targets_[user]->post([this, device, why = std::move(why),
                        done = std::move(done)](Target&) -> Task<void> {
    Status status = devices_->setFaulty(device, why);
    if (!status.ok()) {
      done(std::move(status));
      co_return;
    }
    const std::string failure = devices_->list()[device].why;
    onUsers(
        device,
        [device, failure](Target& target) {
          return target.failDevice(device, Error(ErrorCode::kIo, failure));
        },
        done);
  });
}

void ThreadedEngine::replaceDevice(std::string path, DeviceReplacement replacement, Done done) {
  const auto device =
      devices_ ? devices_->find(path) : Result<uint32_t>(Error(ErrorCode::kNonexist));
  if (device.ok()) {
    return replaceShares(*device, std::move(path), std::move(replacement), std::move(done));
  }
  onOwner([path, replacement](Target& target) { return target.replaceDevice(path, replacement); },
          std::move(done));
}

// Of each target that lost its share. Those that lost none are no failure, unless all are such.
void ThreadedEngine::replaceShares(uint32_t device, std::string path,
                                   DeviceReplacement replacement, Done done) {
  if (replacement.pool.isNil()) {
    return done(invalid(path + " holds shares of many pools: say which one is replaced"));
  }
  const auto users = devices_->usersOf(device);
  onAll(
      [users, path, replacement](Target& target) -> Task<Status> {
        const uint32_t index = target.options().index;
        if (std::find(users.begin(), users.end(), index) == users.end()) {
          co_return Error(ErrorCode::kNonexist, "target " + std::to_string(index) +
                                                    " does not use " + path);
        }
        co_return co_await target.replaceDevice(path, replacement);
      },
      [done = std::move(done)](std::vector<Status> statuses) {
        const auto isWorse = [](const Status& a, const Status& b) {
          const auto rank = [](const Status& status) {
            if (status.code() == ErrorCode::kNonexist) return 0;
            if (status.code() == ErrorCode::kBusy) return 1;
            return status.ok() ? 2 : 3;
          };
          return rank(a) < rank(b);
        };
        done(std::move(*std::max_element(statuses.begin(), statuses.end(), isWorse)));
      });
}

void ThreadedEngine::renewDevice(std::string path, bool isForced, Done done) {
  const auto device =
      devices_
          ? devices_->find(path)
          : Result<uint32_t>(Error(ErrorCode::kNonexist, "the engine was given no device " + path));
  if (!device.ok()) return done(device.error());
  if (!devices_->isFaulty(*device)) {
    return done(Error(ErrorCode::kBusy, path + " is not faulty; set it faulty first"));
  }
  if (!renewal_.enter()) {
    return done(Error(ErrorCode::kBusy, "another device is being renewed, or the engine stops"));
  }
  renew(*device, isForced, [this, done = std::move(done)](Status status) {
    renewal_.leave();
    done(std::move(status));
  });
}

// Targets close it, another takes its place, and they open that.
void ThreadedEngine::renew(uint32_t device, bool isForced, Done done) {
  const auto take = [this, device, isForced, done] {
    SystemRandom random;
    Status renewed = devices_->renew(device, isForced, random);
    if (!renewed.ok()) return done(std::move(renewed));
    onUsers(device, [device](Target& target) { return target.takeDevice(device); }, done);
  };
  onUsers(
      device, [device](Target& target) { return target.releaseDevice(device); },
      [this, take, done](Status released) {
        if (!released.ok()) return done(std::move(released));
        if (!renewal_.run(take)) done(Error(ErrorCode::kCanceled, "the engine stops"));
      });
}

}  // namespace daos::engine
