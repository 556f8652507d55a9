// What has to be opened of libfabric for one endpoint, closed in the right order.
#pragma once

#include <rdma/fabric.h>
#include <rdma/fi_cm.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>
#include <rdma/fi_eq.h>
#include <rdma/fi_errno.h>
#include <rdma/fi_rma.h>

#include <memory>
#include <string>

#include "base/result.h"

namespace daos::rpc {

struct FabricOpenOptions {
  std::string provider;
  std::string host;     // numeric
  std::string service;  // port; empty: any
};

class FabricResources {
 public:
  FabricResources() = default;
  ~FabricResources();
  FabricResources(const FabricResources&) = delete;
  FabricResources& operator=(const FabricResources&) = delete;

  Status open(const FabricOpenOptions& options);
  // No completion comes after this, and no buffer is touched.
  void closeEndpoint();

  fi_info* info = nullptr;
  fid_fabric* fabric = nullptr;
  fid_domain* domain = nullptr;
  fid_av* addresses = nullptr;
  fid_cq* completions = nullptr;
  fid_ep* endpoint = nullptr;
  int waitFd = -1;  // of the completion queue

 private:
  Status findProvider(const FabricOpenOptions& options);
};

Error fabricError(const std::string& what, int code);

}  // namespace daos::rpc
