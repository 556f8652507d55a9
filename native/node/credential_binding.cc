#include "node/credential_binding.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "node/call.h"

namespace daos::node {

namespace {

constexpr size_t kGroupCountMax = 65536;

Error socketError(const char* option) {
  return invalid(std::string("getsockopt ") + option + ": " + std::strerror(errno));
}

// The groups the peer had when it connected, besides its own.
Result<std::vector<gid_t>> peerGroups(int fd) {
  std::vector<gid_t> groups(64);
  socklen_t size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
  if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) != 0) {
    if (errno != ERANGE || size > kGroupCountMax * sizeof(gid_t)) {
      return socketError("SO_PEERGROUPS");
    }
    groups.resize(size / sizeof(gid_t));
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) != 0) {
      return socketError("SO_PEERGROUPS");
    }
  }
  groups.resize(size / sizeof(gid_t));
  return groups;
}

// C++: getsockopt(fd, SOL_SOCKET, SO_PEERCRED and SO_PEERGROUPS)
// TS:  (as peerCredentials)
Status answerPeer(Request& request) {
  const int fd = static_cast<int>(request.reader.u32());
  DAOS_CHECK(request.reader.status());
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    return socketError("SO_PEERCRED");
  }
  DAOS_TRY(const auto groups, peerGroups(fd));
  request.answer = std::make_unique<AnswerWriter>();
  request.answer->u32(static_cast<uint32_t>(peer.pid));
  request.answer->u32(peer.uid);
  request.answer->u32(peer.gid);
  request.answer->u32(static_cast<uint32_t>(groups.size()));
  for (const gid_t group : groups) request.answer->u32(group);
  return {};
}

// C++: getsockopt(fd, SOL_SOCKET, SO_PEERCRED and SO_PEERGROUPS)
// TS:  peerCredentials(fd: u32): u32 pid, u32 uid, u32 gid, u32 count, u32 group…
void peerCredentials(Call& call) {
  auto* request = new Request(call);
  call.environment.begin(*request);
  request->finish(answerPeer(*request));
}

constexpr Function kFunctions[] = {{"peerCredentials", entry<peerCredentials>}};

}  // namespace

Functions credentialFunctions() { return kFunctions; }

}  // namespace daos::node
