#include "system/recorded_folders.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <sstream>

#include "base/assert.h"
#include "system/loopback.h"

namespace daos::system {

namespace fs = std::filesystem;

static RecordedFolders* recording = nullptr;
RecordedFolders* RecordedFolders::current() { return recording; }

static std::string contentOf(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

RecordedFolders::RecordedFolders(fs::path root, std::function<void()> noted)
    : root_(std::move(root)), noted_(std::move(noted)) {
  DAOS_ASSERT(recording == nullptr);
  nodes_.push_back({.isFolder = true});
  recording = this;
}

RecordedFolders::~RecordedFolders() { stop(); }

void RecordedFolders::stop() {
  if (recording == this) recording = nullptr;
}

// --- noting

bool RecordedFolders::isBeneath(const fs::path& path) const {
  return path == root_ || path.string().starts_with(root_.string() + "/");
}

const size_t* RecordedFolders::find(const fs::path& path) const {
  static constexpr size_t kRoot = 0;
  const size_t* node = &kRoot;
  if (path == root_) return node;
  for (const fs::path& part : fs::relative(path.parent_path(), root_) / path.filename()) {
    if (part == ".") continue;
    const auto found = nodes_[*node].entries.find(part.string());
    if (found == nodes_[*node].entries.end()) return nullptr;
    node = &found->second;
  }
  return node;
}

size_t RecordedFolders::folderOf(const fs::path& path) const {
  const size_t* const folder = find(path.parent_path());
  DAOS_ASSERT(folder != nullptr);
  return *folder;
}

size_t RecordedFolders::add(bool isFolder) {
  nodes_.push_back({.isFolder = isFolder});
  return nodes_.size() - 1;
}

void RecordedFolders::note(Event event) {
  apply(nodes_, event);
  events_.push_back(std::move(event));
  noted_();
}

void RecordedFolders::made(const fs::path& path) {
  if (!isBeneath(path)) return;
  note({.kind = Kind::kMake, .folder = folderOf(path), .name = path.filename(), .node = add(true)});
}

// A file that nobody has synced before is noted with its new name, empty.
void RecordedFolders::renamed(const fs::path& from, const fs::path& to, bool isExchange) {
  if (!isBeneath(from)) return;
  DAOS_ASSERT(from.parent_path() == to.parent_path());
  const size_t folder = folderOf(to);
  if (!nodes_[folder].entries.contains(from.filename().string())) {
    note({.kind = Kind::kMake, .folder = folder, .name = from.filename(), .node = add(false)});
  }
  note({.kind = isExchange ? Kind::kExchange : Kind::kRename, .folder = folder,
        .name = from.filename(), .other = to.filename()});
}

void RecordedFolders::removed(const fs::path& path) {
  if (!isBeneath(path) || !find(path)) return;
  note({.kind = Kind::kRemove, .folder = folderOf(path), .name = path.filename()});
}

void RecordedFolders::synced(const fs::path& path) {
  if (!isBeneath(path)) return;
  if (fs::is_directory(path)) {
    const size_t* const folder = find(path);
    DAOS_ASSERT(folder != nullptr);
    return note({.kind = Kind::kSync, .folder = *folder});
  }
  if (!find(path)) {
    note({.kind = Kind::kMake, .folder = folderOf(path), .name = path.filename(),
          .node = add(false)});
  }
  note({.kind = Kind::kContent, .folder = *find(path), .content = contentOf(path)});
}

void RecordedFolders::apply(Nodes& nodes, const Event& event) {
  auto& entries = nodes[event.folder].entries;
  switch (event.kind) {
    case Kind::kMake:
      entries[event.name] = event.node;
      break;
    case Kind::kRename: {
      const size_t node = entries.at(event.name);
      entries.erase(event.name);
      entries[event.other] = node;
      break;
    }
    case Kind::kExchange:
      std::swap(entries.at(event.name), entries.at(event.other));
      break;
    case Kind::kRemove:
      entries.erase(event.name);
      break;
    case Kind::kContent:
      nodes[event.folder].content = event.content;
      break;
    case Kind::kSync:
      break;
  }
}

// --- states

void RecordedFolders::collect(const Nodes& nodes, size_t folder, const std::string& path,
                              Tree& tree) {
  for (const auto& [name, node] : nodes[folder].entries) {
    if (!nodes[node].isFolder) {
      tree[path + name] = nodes[node].content;
    } else {
      tree[path + name + "/"] = "";
      collect(nodes, node, path + name + "/", tree);
    }
  }
}

std::map<size_t, size_t> RecordedFolders::looseAfter(size_t count) const {
  std::map<size_t, size_t> loose;
  for (size_t i = 0; i < count; ++i) {
    const Event& event = events_[i];
    if (event.kind == Kind::kSync) loose.erase(event.folder);
    else if (event.kind != Kind::kContent) ++loose[event.folder];
  }
  return loose;
}

RecordedFolders::Tree RecordedFolders::treeOf(size_t count, const std::map<size_t, size_t>& kept,
                                              const std::map<size_t, size_t>& loose) const {
  // Of each folder so many events from the last one backwards are lost.
  std::map<size_t, size_t> lost;
  for (const auto& [folder, number] : loose) lost[folder] = number - kept.at(folder);
  std::vector<bool> isLost(count);
  for (size_t i = count; i-- > 0;) {
    const Event& event = events_[i];
    if (event.kind == Kind::kContent || event.kind == Kind::kSync) continue;
    const auto found = lost.find(event.folder);
    if (found == lost.end() || found->second == 0) continue;
    --found->second;
    isLost[i] = true;
  }
  Nodes nodes(nodes_.size());
  for (size_t i = 0; i < nodes.size(); ++i) nodes[i].isFolder = nodes_[i].isFolder;
  for (size_t i = 0; i < count; ++i) {
    if (!isLost[i]) apply(nodes, events_[i]);
  }
  Tree tree;
  collect(nodes, 0, "", tree);
  return tree;
}

std::set<RecordedFolders::Tree> RecordedFolders::statesAfter(size_t count) const {
  const std::map<size_t, size_t> loose = looseAfter(count);
  std::map<size_t, size_t> kept;
  for (const auto& [folder, number] : loose) kept[folder] = 0;
  std::set<Tree> states;
  // As a counter, with a digit for each folder.
  for (bool isMore = true; isMore;) {
    states.insert(treeOf(count, kept, loose));
    isMore = false;
    for (auto& [folder, number] : kept) {
      if (number < loose.at(folder)) {
        ++number;
        isMore = true;
        break;
      }
      number = 0;
    }
  }
  return states;
}

bool RecordedFolders::matches(const std::string& exceptFor) const {
  Tree noted, found;
  collect(nodes_, 0, "", noted);
  for (const auto& entry : fs::recursive_directory_iterator(root_)) {
    const std::string name = fs::relative(entry.path(), root_).string();
    if (entry.path().filename() == exceptFor) continue;
    if (entry.is_directory()) found[name + "/"] = "";
    else found[name] = contentOf(entry.path());
  }
  return noted == found;
}

void RecordedFolders::make(const fs::path& folder, const Tree& tree) {
  for (const auto& entry : fs::directory_iterator(folder)) fs::remove_all(entry.path());
  for (const auto& [path, content] : tree) {
    if (path.ends_with('/')) {
      fs::create_directory(folder / path.substr(0, path.size() - 1));
    } else {
      std::ofstream(folder / path, std::ios::binary) << content;
    }
  }
}

namespace {

// --- what stands in for the library's functions

template <typename Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

fs::path pathAt(int folder, const char* name) {
  if (name[0] == '/' || folder == AT_FDCWD) return fs::absolute(name);
  return fs::read_symlink("/proc/self/fd/" + std::to_string(folder)) / name;
}

}  // namespace
}  // namespace daos::system

// NOLINTBEGIN: their names are the library's
#define DAOS_INSTEAD extern "C" __attribute__((visibility("default")))
using daos::system::RecordedFolders;

DAOS_INSTEAD int mkdir(const char* path, mode_t mode) noexcept {
  static auto* const real = daos::system::next<int(const char*, mode_t)>("mkdir");
  const int code = real(path, mode);
  if (RecordedFolders* all = RecordedFolders::current(); all && code == 0) {
    all->made(daos::system::pathAt(AT_FDCWD, path));
  }
  return code;
}

DAOS_INSTEAD int renameat2(int fromFolder, const char* from, int toFolder, const char* to,
                           unsigned flags) noexcept {
  static auto* const real =
      daos::system::next<int(int, const char*, int, const char*, unsigned)>("renameat2");
  const int code = real(fromFolder, from, toFolder, to, flags);
  if (RecordedFolders* all = RecordedFolders::current(); all && code == 0) {
    all->renamed(daos::system::pathAt(fromFolder, from), daos::system::pathAt(toFolder, to),
                 (flags & RENAME_EXCHANGE) != 0);
  }
  return code;
}

DAOS_INSTEAD int rename(const char* from, const char* to) noexcept {
  return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

DAOS_INSTEAD int unlinkat(int folder, const char* path, int flags) noexcept {
  static auto* const real = daos::system::next<int(int, const char*, int)>("unlinkat");
  const int code = real(folder, path, flags);
  if (RecordedFolders* all = RecordedFolders::current(); all && code == 0) {
    all->removed(daos::system::pathAt(folder, path));
  }
  return code;
}

DAOS_INSTEAD int unlink(const char* path) noexcept { return unlinkat(AT_FDCWD, path, 0); }
DAOS_INSTEAD int rmdir(const char* path) noexcept {
  return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

DAOS_INSTEAD int remove(const char* path) noexcept {
  static auto* const real = daos::system::next<int(const char*)>("remove");
  const int code = real(path);
  if (RecordedFolders* all = RecordedFolders::current(); all && code == 0) {
    all->removed(daos::system::pathAt(AT_FDCWD, path));
  }
  return code;
}

DAOS_INSTEAD int fsync(int file) {
  static auto* const real = daos::system::next<int(int)>("fsync");
  const int code = real(file);
  if (RecordedFolders* all = RecordedFolders::current(); all && code == 0) {
    all->synced(std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(file)));
  }
  return code;
}
// NOLINTEND

namespace daos::system {
namespace {

void writeSynced(const fs::path& path, const std::string& text) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  ASSERT_GE(fd, 0);
  ASSERT_EQ(write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  ASSERT_EQ(fsync(fd), 0);
  close(fd);
}

void syncFolder(const fs::path& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY);
  ASSERT_GE(fd, 0);
  ASSERT_EQ(fsync(fd), 0);
  close(fd);
}

using Tree = RecordedFolders::Tree;

class RecordedFoldersTest : public testing::Test {
 protected:
  std::set<Tree> now() { return record_->statesAfter(record_->count()); }

  ScratchDirectory directory_{"/dev/shm"};
  const fs::path root_ = directory_.path() / "root";
  int notedCount_ = 0;
  std::unique_ptr<RecordedFolders> record_;

  void SetUp() override {
    fs::create_directory(root_);
    record_ = std::make_unique<RecordedFolders>(root_, [this] { ++notedCount_; });
  }
};

TEST_F(RecordedFoldersTest, WhatWasNotSyncedMayBeLostFromItsEnd) {
  writeSynced(root_ / "a.new", "one");
  EXPECT_EQ(now(), (std::set<Tree>{{}, {{"a.new", "one"}}}));
  EXPECT_EQ(record_->statesAfter(1), (std::set<Tree>{{}, {{"a.new", ""}}}));
  fs::rename(root_ / "a.new", root_ / "a");
  EXPECT_EQ(now(), (std::set<Tree>{{}, {{"a.new", "one"}}, {{"a", "one"}}}));
  syncFolder(root_);
  EXPECT_EQ(now(), (std::set<Tree>{{{"a", "one"}}}));
  EXPECT_EQ(notedCount_, 4);
  EXPECT_TRUE(record_->matches(""));
}

TEST_F(RecordedFoldersTest, FoldersLoseWhatIsTheirsEachForItself) {
  fs::create_directories(root_ / "pool/share");
  writeSynced(root_ / "pool/share/mark", "m");
  syncFolder(root_ / "pool/share");
  const Tree whole{{"pool/", ""}, {"pool/share/", ""}, {"pool/share/mark", "m"}};
  EXPECT_EQ(now(), (std::set<Tree>{{}, {{"pool/", ""}}, whole}));
  syncFolder(root_ / "pool");
  syncFolder(root_);
  EXPECT_EQ(now(), (std::set<Tree>{whole}));
  fs::create_directory(root_ / "pool/other");
  ASSERT_EQ(renameat2(AT_FDCWD, (root_ / "pool/share").c_str(), AT_FDCWD,
                      (root_ / "pool/other").c_str(), RENAME_EXCHANGE), 0);
  fs::remove_all(root_ / "pool/share");
  const Tree exchanged{{"pool/", ""}, {"pool/other/", ""}, {"pool/other/mark", "m"}};
  EXPECT_TRUE(now().contains(exchanged));
  EXPECT_TRUE(now().contains(whole));
  fs::remove_all(root_ / "pool/other");
  EXPECT_EQ(now().count(exchanged), 1u);
  EXPECT_TRUE(record_->matches(""));
  std::ofstream(root_ / "unknown") << "x";
  EXPECT_FALSE(record_->matches(""));
  EXPECT_TRUE(record_->matches("unknown"));
}

TEST_F(RecordedFoldersTest, AStateIsMadeAsItWasNoted) {
  fs::create_directories(root_ / "pool/share");
  writeSynced(root_ / "pool/share/mark", "m");
  const Tree tree = *now().rbegin();
  const fs::path copy = directory_.path() / "copy";
  fs::create_directory(copy);
  RecordedFolders::make(copy, tree);
  EXPECT_EQ(contentOf(copy / "pool/share/mark"), "m");
  RecordedFolders::make(copy, {});
  EXPECT_TRUE(fs::is_empty(copy));
}

}  // namespace
}  // namespace daos::system
