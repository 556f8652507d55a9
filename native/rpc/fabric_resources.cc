#include "rpc/fabric_resources.h"

namespace daos::rpc {

Error fabricError(const std::string& what, int code) {
  const int number = code < 0 ? -code : code;
  ErrorCode kind = ErrorCode::kMisc;
  if (number == FI_EADDRINUSE) kind = ErrorCode::kBusy;
  if (number == FI_ENODATA || number == FI_ENOSYS) kind = ErrorCode::kNosys;
  if (number == FI_EINVAL || number == FI_EADDRNOTAVAIL) kind = ErrorCode::kInval;
  if (number == FI_ENOMEM || number == FI_ENOSPC) kind = ErrorCode::kNomem;
  return Error(kind, what + ": " + fi_strerror(number));
}

template <typename Fid>
static void closeFid(Fid*& object) {
  if (object) fi_close(&object->fid);
  object = nullptr;
}

void FabricResources::closeEndpoint() { closeFid(endpoint); }

FabricResources::~FabricResources() {
  closeFid(endpoint);
  closeFid(completions);
  closeFid(addresses);
  closeFid(domain);
  closeFid(fabric);
  if (info) fi_freeinfo(info);
}

Status FabricResources::findProvider(const FabricOpenOptions& options) {
  const std::unique_ptr<fi_info, decltype(&fi_freeinfo)> hints(fi_allocinfo(), fi_freeinfo);
  if (!hints) return Error(ErrorCode::kNomem, "libfabric has no memory");
  hints->caps = FI_MSG | FI_RMA;
  hints->ep_attr->type = FI_EP_RDM;
  // One thread drives a transport, and nothing moves without it: the providers take no locks.
  hints->domain_attr->threading = FI_THREAD_DOMAIN;
  hints->domain_attr->control_progress = FI_PROGRESS_MANUAL;
  hints->domain_attr->data_progress = FI_PROGRESS_MANUAL;
  hints->domain_attr->mr_mode = FI_MR_VIRT_ADDR;
  if (options.provider == "verbs") {
    hints->domain_attr->mr_mode |= FI_MR_LOCAL | FI_MR_ALLOCATED | FI_MR_PROV_KEY;
  }
  hints->fabric_attr->prov_name =
      strdup(options.provider == "verbs" ? "verbs;ofi_rxm" : options.provider.c_str());
  hints->addr_format =
      options.host.find(':') == std::string::npos ? FI_SOCKADDR_IN : FI_SOCKADDR_IN6;
  const char* service = options.service.empty() ? nullptr : options.service.c_str();
  const int code = fi_getinfo(FI_VERSION(2, 1), options.host.c_str(), service,
                              FI_SOURCE | FI_NUMERICHOST, hints.get(), &info);
  if (code != 0)
    return fabricError("provider '" + options.provider + "' at '" + options.host + "'", code);
  return {};
}

Status FabricResources::open(const FabricOpenOptions& options) {
  DAOS_CHECK(findProvider(options));
  int code = fi_fabric(info->fabric_attr, &fabric, nullptr);
  if (code != 0) return fabricError("fi_fabric", code);
  code = fi_domain(fabric, info, &domain, nullptr);
  if (code != 0) return fabricError("fi_domain", code);
  fi_av_attr addressAttributes{};
  addressAttributes.type = FI_AV_TABLE;
  code = fi_av_open(domain, &addressAttributes, &addresses, nullptr);
  if (code != 0) return fabricError("fi_av_open", code);
  fi_cq_attr queueAttributes{};
  queueAttributes.format = FI_CQ_FORMAT_MSG;
  queueAttributes.wait_obj = FI_WAIT_FD;
  queueAttributes.size = 4096;
  code = fi_cq_open(domain, &queueAttributes, &completions, nullptr);
  if (code != 0) return fabricError("fi_cq_open", code);
  code = fi_control(&completions->fid, FI_GETWAIT, &waitFd);
  if (code != 0) return fabricError("FI_GETWAIT", code);
  code = fi_endpoint(domain, info, &endpoint, nullptr);
  if (code != 0) return fabricError("fi_endpoint", code);
  code = fi_ep_bind(endpoint, &addresses->fid, 0);
  if (code == 0) code = fi_ep_bind(endpoint, &completions->fid, FI_TRANSMIT | FI_RECV);
  if (code == 0) code = fi_enable(endpoint);
  if (code != 0)
    return fabricError("endpoint at '" + options.host + ":" + options.service + "'", code);
  return {};
}

}  // namespace daos::rpc
