#include "simulator/trace.h"

#include <cstdio>

namespace daos::simulator {

static constexpr const char* kKindNames[] = {
    "?",          "turn",        "send",   "deliver",     "lose",      "duplicate",
    "reorder",    "peer-failed", "rma",    "disk-submit", "disk-done", "disk-fault",
    "power-cut",  "crash",       "start",  "pause",       "partition", "clog",
    "clock-jump", "invoke",      "return", "background",  "phase",     "fault"};

const char* traceKindName(TraceKind kind) { return kKindNames[static_cast<uint32_t>(kind)]; }

static uint64_t absorb(uint64_t hash, uint64_t word) {
  hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
  return hash ^ (hash >> 32);
}

void Trace::add(const TraceEvent& event) {
  hash_ = absorb(hash_, event.timeNs);
  hash_ = absorb(hash_, uint64_t{event.process} << 32 | static_cast<uint32_t>(event.kind));
  hash_ = absorb(hash_, event.subject);
  hash_ = absorb(hash_, event.a);
  hash_ = absorb(hash_, event.b);
  ++eventCount_;
  if (isRecording_) events_.push_back(event);
}

uint64_t digestOf(Bytes bytes) {
  uint64_t hash = 0xcbf29ce484222325ull ^ bytes.size();
  size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) hash = absorb(hash, loadAs<uint64_t>(bytes.data() + at));
  uint64_t last = 0;
  for (size_t i = 0; at + i < bytes.size(); ++i)
    last |= static_cast<uint64_t>(bytes[at + i]) << (8 * i);
  return absorb(hash, last);
}

std::string describe(const TraceEvent& event) {
  char line[160];
  std::snprintf(line, sizeof(line), "%12.6f ms  p%u %s %llu a=%llu b=%llu",
                static_cast<double>(event.timeNs) / 1e6, event.process, traceKindName(event.kind),
                static_cast<unsigned long long>(event.subject),
                static_cast<unsigned long long>(event.a), static_cast<unsigned long long>(event.b));
  return line;
}

}  // namespace daos::simulator
