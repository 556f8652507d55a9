#include "client/event_operation.h"

namespace daos::client {

namespace {

// Owns itself from its submission to its completion.
class EventOperation final : public Operation {
 public:
  EventOperation(Event& event, Work work) : event_(event), work_(std::move(work)) {}

 protected:
  Task<Status> execute(Context& context) override { return work_(context); }
  void onCompleted(Status status) override {
    Event& event = event_;
    delete this;
    event.complete(std::move(status));
  }

 private:
  Event& event_;
  const Work work_;
};

}  // namespace

Status launch(ClientThread& core, Event& event, Work work) {
  DAOS_CHECK(event.launch());
  core.submit(*new EventOperation(event, std::move(work)));
  return {};
}

}  // namespace daos::client
