#include "simulator/workload/workload_options.h"

namespace daos::simulator {

using W = WorkloadOptions;
using U = SettingUnit;

static constexpr Setting<WorkloadOptions> kSettings[] = {
    {"engines", U::kCount, &W::engineCount},
    {"targets", U::kCount, &W::targetCount},
    {"dataThreshold", U::kSize, &W::dataThreshold},
    {"clients", U::kCount, &W::clientCount},
    {"operations", U::kCount, &W::operationCount},
    {"pauseMean", U::kDuration, &W::pauseMeanNs},
    {"timeout", U::kDuration, &W::timeoutNs},
    {"objects", U::kCount, &W::objectCount},
    {"dkeys", U::kCount, &W::dkeyCount},
    {"singles", U::kCount, &W::singleCount},
    {"arrays", U::kCount, &W::arrayCount},
    {"records", U::kCount, &W::recordCount},
    {"recordSize", U::kSize, &W::recordSizeBytes},
    {"valueSizeMax", U::kSize, &W::valueSizeMaxBytes},
    {"largeSizeMax", U::kSize, &W::largeSizeMaxBytes},
    {"large", U::kShare, &W::largeShare},
    {"weight.update", U::kCount, &W::updateWeight},
    {"weight.fetch", U::kCount, &W::fetchWeight},
    {"weight.punchAkeys", U::kCount, &W::punchAkeysWeight},
    {"weight.punchDkey", U::kCount, &W::punchDkeyWeight},
    {"weight.punchObject", U::kCount, &W::punchObjectWeight},
    {"weight.listAkeys", U::kCount, &W::listAkeysWeight},
    {"weight.listDkeys", U::kCount, &W::listDkeysWeight},
    {"weight.snapshot", U::kCount, &W::snapshotWeight},
    {"conditions", U::kShare, &W::conditionShare},
    {"akeysPerCallMax", U::kCount, &W::akeysPerCallMax},
    {"aggregateEvery", U::kDuration, &W::aggregateEveryNs},
};

std::span<const Setting<WorkloadOptions>> workloadSettings() { return kSettings; }

}  // namespace daos::simulator
