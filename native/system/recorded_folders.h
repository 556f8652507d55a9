// What a program does to the names beneath a folder, and what a power cut could leave of it. For
// tests.
//
// Every call of the C library that makes, renames or removes a name, or makes one durable, is noted
// after it has been done, whoever calls it: the library's functions have namesakes in the test
// program (recorded_folders_test.cc). So code under test needs no seam, and none of its calls is
// forgotten: matches() compares what was noted with what is there.
//
// A power cut keeps of each folder what was done there up to its last fsync, and of what was done
// since then a beginning: all, none, or up to any point; each folder for itself, which is more than
// file systems with a journal lose. A file has what it had at its own last fsync; before, it is
// empty.
//
// Thread: one records at a time; what other threads do beneath that folder meanwhile is an error.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace daos::system {

class RecordedFolders {
 public:
  // The content of each file, by its path beneath the root; of a folder nothing, with a slash
  // behind its path.
  using Tree = std::map<std::string, std::string>;

  // From here on, until its end, what is done beneath `root`, which is empty. `noted` is called
  // after each call.
  RecordedFolders(std::filesystem::path root, std::function<void()> noted);
  ~RecordedFolders();
  RecordedFolders(const RecordedFolders&) = delete;
  RecordedFolders& operator=(const RecordedFolders&) = delete;

  // Notes nothing more.
  void stop();
  size_t count() const { return events_.size(); }
  // What a power cut after the first `count` calls can leave, each once.
  std::set<Tree> statesAfter(size_t count) const;
  // Whether all that was noted gives what is there, but for files of that name.
  bool matches(const std::string& exceptFor) const;
  // Makes `folder`, which is emptied, that.
  static void make(const std::filesystem::path& folder, const Tree& tree);

  // --- of the functions that stand in for the library's, after the call

  static RecordedFolders* current();
  void made(const std::filesystem::path& path);
  void renamed(const std::filesystem::path& from, const std::filesystem::path& to, bool isExchange);
  void removed(const std::filesystem::path& path);
  void synced(const std::filesystem::path& path);

 private:
  enum class Kind : uint8_t { kMake, kRename, kExchange, kRemove, kContent, kSync };
  struct Event {
    Kind kind;
    size_t folder = 0;  // that it is done in; kSync: that; kContent: the file
    std::string name, other;
    size_t node = 0;  // kMake: what is made
    std::string content;
  };
  struct Node {
    bool isFolder = false;
    std::map<std::string, size_t> entries;
    std::string content;
  };
  using Nodes = std::vector<Node>;

  bool isBeneath(const std::filesystem::path& path) const;
  // Null: nothing was noted of it.
  const size_t* find(const std::filesystem::path& path) const;
  size_t folderOf(const std::filesystem::path& path) const;
  size_t add(bool isFolder);
  void note(Event event);
  static void apply(Nodes& nodes, const Event& event);
  static void collect(const Nodes& nodes, size_t folder, const std::string& path, Tree& tree);
  // How many of the events of each folder that are done after its last fsync.
  std::map<size_t, size_t> looseAfter(size_t count) const;
  Tree treeOf(size_t count, const std::map<size_t, size_t>& kept,
              const std::map<size_t, size_t>& loose) const;

  const std::filesystem::path root_;
  const std::function<void()> noted_;
  std::vector<Event> events_;
  Nodes nodes_;  // with all events; 0: the root
};

}  // namespace daos::system
