// A doubly linked list whose links live in its elements: no allocation, O(1) removal.
//
// An element derives from IntrusiveLink<Tag> once per list it can be on. The list borrows its
// elements; an element unlinks itself when it is destroyed.
#pragma once

#include "base/assert.h"

namespace daos {

template <typename Tag>
class IntrusiveLink {
 public:
  IntrusiveLink() = default;
  IntrusiveLink(const IntrusiveLink&) = delete;
  IntrusiveLink& operator=(const IntrusiveLink&) = delete;
  ~IntrusiveLink() { unlink(); }
  bool isLinked() const { return next_ != this; }
  void unlink() {
    previous_->next_ = next_;
    next_->previous_ = previous_;
    previous_ = next_ = this;
  }

 private:
  template <typename, typename>
  friend class IntrusiveList;
  IntrusiveLink* previous_ = this;
  IntrusiveLink* next_ = this;
};

template <typename T, typename Tag>
class IntrusiveList {
  using Link = IntrusiveLink<Tag>;

 public:
  bool empty() const { return !head_.isLinked(); }
  T* front() { return empty() ? nullptr : static_cast<T*>(head_.next_); }
  // The element after `element`, or null at the end.
  T* after(T* element) {
    Link* next = static_cast<Link*>(element)->next_;
    return next == &head_ ? nullptr : static_cast<T*>(next);
  }
  void pushBack(T& element) { insertBefore(head_, element); }
  void pushFront(T& element) { insertBefore(*head_.next_, element); }
  T* popFront() {
    T* element = front();
    if (element) static_cast<Link*>(element)->unlink();
    return element;
  }

 private:
  void insertBefore(Link& where, T& element) {
    Link& link = element;
    DAOS_ASSERT(!link.isLinked());
    link.previous_ = where.previous_;
    link.next_ = &where;
    where.previous_->next_ = &link;
    where.previous_ = &link;
  }
  Link head_;
};

}  // namespace daos
