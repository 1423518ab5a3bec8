/* The stand-in's behaviour: rings in memory, a network that loses nothing, and faults on request. See fake.h.
 *
 * It is strict where the vendor's behaviour is public (order of calls, a stream that is not attached, memory that is laid out
 * first) and makes up what is not: a datagram longer than its slot is dropped, a full receive ring drops the newest.
 */

#include "rivermax_api.h"

#include <arpa/inet.h>
#include <string.h>
#include <time.h>

#include <algorithm>
#include <list>
#include <map>
#include <mutex>
#include <sstream>
#include <string>
#include <vector>

namespace {
struct Injected { int status, times; };

std::mutex lock;
std::map<std::string, Injected> injected;
std::map<std::string, uint64_t> counters;
std::string calls, calls_read;
uint64_t ptp_ns = 1000;
int64_t ahead_ns = 0; /* of the system's clock, once the card's follows it */
bool running = false, ptp = false;

bool is_device(in_addr address) { return (ntohl(address.s_addr) >> 24) == 127; } /* any loopback address is a card */

/* A step may first succeed as often as "STEP after" says. */
int fault(const char *step) {
    auto grace = injected.find(std::string(step) + " after");
    if (grace != injected.end() && grace->second.status > 0) return grace->second.status--, RMX_OK;
    auto found = injected.find(step);
    if (found == injected.end() || !found->second.times) return RMX_OK;
    if (found->second.times > 0) found->second.times--;
    return found->second.status;
}

void note(const char *call) { calls += calls.empty() ? call : std::string(" ") + call; }

#define STEP(name) \
    std::lock_guard<std::mutex> held(lock); \
    note(name); \
    if (!running) return RMX_NOT_INITIALIZED; \
    if (int status = fault(name)) return (rmx_status)status
#define HOT(name) \
    std::lock_guard<std::mutex> held(lock); \
    if (!running) return RMX_NOT_INITIALIZED; \
    if (int status = fault(name)) return (rmx_status)status
}

struct fake_stream {
    bool input = false;
    /* in */
    rmx_input_stream_params in{};
    std::vector<uint8_t> blocks[2];
    std::vector<rmx_input_packet_info> told;
    std::vector<bool> full;
    size_t write = 0, read = 0, unread = 0, taken = 0, most = 0;
    std::vector<rmx_input_flow> flows;
    /* out */
    rmx_output_media_stream_params out{};
    std::vector<uint8_t> strides;
    std::vector<uint16_t> sizes;
    size_t chunks = 0, chunk = 0;
    bool acquired = false;
    sockaddr_in from{}, to{};
};

namespace {
std::list<fake_stream *> inputs;

/* The slot of a packet: the next one, or the one that its sequence number says. */
size_t place(fake_stream *in, const uint8_t *packet, size_t size) {
    if (!in->in.placed || size < 14) return in->write;
    uint32_t sequence = packet[2] << 8 | packet[3];
    if (in->in.placed == RMX_INPUT_STREAM_RTP_EXT_SEQN_PLACEMENT_ORDER)
        sequence |= (uint32_t)(packet[12] << 8 | packet[13]) << 16;
    return sequence % in->in.capacity;
}

void arrive(fake_stream *in, const uint8_t *packet, size_t size) {
    size_t first = in->in.blocks == 2 ? std::min(size, in->in.entry[0]) : size;
    if (size - (in->in.blocks == 2 ? first : 0) > in->in.entry[in->in.blocks - 1]) { counters["too long"]++; return; }
    if (in->unread + in->taken == in->in.capacity) { counters["overrun"]++; return; }
    size_t at = place(in, packet, size);
    if (in->full[at]) { counters["duplicates"]++; return; }
    if (in->in.placed && !in->unread && !in->taken) in->read = in->write = at;
    size_t from_read = (at + in->in.capacity - in->read) % in->in.capacity;
    if (from_read + in->taken >= in->in.capacity) { counters["overrun"]++; return; }
    memcpy(&in->blocks[0][at * in->in.stride[0]], packet, first);
    if (in->in.blocks == 2) memcpy(&in->blocks[1][at * in->in.stride[1]], packet + first, size - first);
    in->told[at] = {{first, in->in.blocks == 2 ? size - first : 0}};
    in->full[at] = true;
    if (from_read < in->unread) return; /* it fills a slot that was passed over */
    for (; in->write != at; in->write = (in->write + 1) % in->in.capacity) in->told[in->write] = {{0, 0}};
    in->unread = from_read + 1;
    in->write = (at + 1) % in->in.capacity;
}

bool same(const sockaddr_in &a, const sockaddr_in &b) {
    return a.sin_addr.s_addr == b.sin_addr.s_addr && a.sin_port == b.sin_port;
}

bool hears(const rmx_input_flow &flow, const fake_stream *out) {
    return same(flow.local, out->to) && (!flow.filtered || flow.remote.sin_addr.s_addr == out->from.sin_addr.s_addr);
}

void carry(fake_stream *out, const uint8_t *packet, size_t size) {
    for (fake_stream *in : inputs)
        for (auto &flow : in->flows)
            if (hears(flow, out)) arrive(in, packet, size);
}

/* Destination, port and sender of one media section: c=, m= and a=source-filter are all that is looked at. */
bool read_sdp(fake_stream *stream, const rmx_output_media_stream_params *params) {
    std::istringstream lines(params->sdp ? params->sdp : "");
    std::string line;
    size_t media = 0;
    char to[64] = "", from[64] = "";
    int port = 0;
    bool named = false;
    while (std::getline(lines, line)) {
        if (line.rfind("s=", 0) == 0) named = line.find_first_not_of(" \r", 2) != std::string::npos;
        if (line.rfind("m=", 0) == 0 && media++ == params->media) sscanf(line.c_str(), "m=%*s %d", &port);
        if (media == params->media + 1) {
            sscanf(line.c_str(), "c=IN IP4 %63[0-9.]", to);
            sscanf(line.c_str(), "a=source-filter: incl IN IP4 %*s %63[0-9.]", from);
        }
    }
    stream->to.sin_port = htons((uint16_t)port);
    bool addressed = inet_pton(AF_INET, to, &stream->to.sin_addr) == 1 && inet_pton(AF_INET, from, &stream->from.sin_addr) == 1;
    return named && port && addressed;
}
}

extern "C" {
void fake_inject(const char *step, int status, int times) {
    std::lock_guard<std::mutex> held(lock);
    injected[step] = {status, times};
}
void fake_reset(void) {
    std::lock_guard<std::mutex> held(lock);
    injected.clear(), counters.clear(), calls.clear();
    ptp = false;
}
const char *fake_calls(void) { std::lock_guard<std::mutex> held(lock); calls_read = calls; return calls_read.c_str(); }
uint64_t fake_counter(const char *name) { std::lock_guard<std::mutex> held(lock); return counters[name]; }
void fake_set_time(uint64_t ns) {
    std::lock_guard<std::mutex> held(lock);
    ptp_ns = ns, ahead_ns = 0;
}
void fake_follow(int64_t ahead) {
    std::lock_guard<std::mutex> held(lock);
    ahead_ns = ahead;
}

rmx_status _rmx_init(const rmx_version *) {
    std::lock_guard<std::mutex> held(lock);
    note("rmx_init");
    if (int status = fault("rmx_init")) return (rmx_status)status;
    if (running) return FAKE_MISUSE;
    running = true;
    return RMX_OK;
}
rmx_status rmx_set_cpu_affinity(const uint64_t *mask, size_t count) {
    std::lock_guard<std::mutex> held(lock);
    note("rmx_set_cpu_affinity");
    if (running) return FAKE_MISUSE;
    for (size_t cpu = 0; cpu < count; cpu++)
        if (mask[cpu / 64] >> cpu % 64 & 1) counters["processor"] = cpu + 1;
    return (rmx_status)fault("rmx_set_cpu_affinity");
}
rmx_status rmx_cleanup(void) {
    STEP("rmx_cleanup");
    running = false;
    return inputs.empty() ? RMX_OK : RMX_BUSY;
}
const char *rmx_get_version_string(void) { return "fake 9.9 of the tests"; }

void rmx_input_init_stream(rmx_input_stream_params *p, rmx_input_stream_params_type) { memset(p, 0, sizeof *p); }
void rmx_input_set_stream_nic_address(rmx_input_stream_params *p, const sockaddr *a) { memcpy(&p->nic, a, sizeof p->nic); }
void rmx_input_enable_stream_option(rmx_input_stream_params *p, rmx_input_option o) {
    if (o == RMX_INPUT_STREAM_CREATE_INFO_PER_PACKET) p->options = 1;
    else p->placed = o;
}
rmx_status rmx_input_determine_mem_layout(rmx_input_stream_params *p) {
    STEP("rmx_input_determine_mem_layout");
    if (!p->capacity || p->blocks < 1 || p->blocks > 2 || !p->entry[0] || (p->blocks == 2 && !p->entry[1])) return FAKE_MISUSE;
    for (size_t i = 0; i < p->blocks; i++) p->stride[i] = (p->entry[i] + 63) / 64 * 64;
    p->laid_out = 1;
    return RMX_OK;
}
rmx_status rmx_input_create_stream(const rmx_input_stream_params *p, rmx_stream_id *id) {
    STEP("rmx_input_create_stream");
    if (!p->laid_out || !p->options) return FAKE_MISUSE;
    if (!is_device(p->nic.sin_addr)) return FAKE_NO_DEVICE;
    auto *stream = new fake_stream;
    stream->input = true;
    stream->in = *p;
    for (size_t i = 0; i < p->blocks; i++) stream->blocks[i].resize(p->capacity * p->stride[i]);
    stream->told.resize(p->capacity);
    stream->full.resize(p->capacity);
    inputs.push_back(stream);
    *id = stream;
    return RMX_OK;
}
rmx_status rmx_input_set_completion_moderation(rmx_stream_id s, size_t least, size_t most, int) {
    STEP("rmx_input_set_completion_moderation");
    if (!s->input || most < least) return FAKE_MISUSE;
    s->most = most;
    return RMX_OK;
}
void rmx_input_init_flow(rmx_input_flow *f) { memset(f, 0, sizeof *f); }
void rmx_input_set_flow_local_addr(rmx_input_flow *f, const sockaddr *a) {
    memcpy(&f->local, a, sizeof f->local);
    f->ready = 1;
}
void rmx_input_set_flow_remote_addr(rmx_input_flow *f, const sockaddr *a) {
    memcpy(&f->remote, a, sizeof f->remote);
    f->filtered = 1;
}
rmx_status rmx_input_attach_flow(rmx_stream_id s, const rmx_input_flow *f) {
    STEP("rmx_input_attach_flow");
    if (!f->ready || !s->most) return FAKE_MISUSE;
    s->flows.push_back(*f);
    return RMX_OK;
}
rmx_status rmx_input_detach_flow(rmx_stream_id s, const rmx_input_flow *f) {
    STEP("rmx_input_detach_flow");
    for (auto flow = s->flows.begin(); flow != s->flows.end(); ++flow)
        if (same(flow->local, f->local)) return s->flows.erase(flow), RMX_OK;
    return FAKE_MISUSE;
}
rmx_status rmx_input_destroy_stream(rmx_stream_id s) {
    STEP("rmx_input_destroy_stream");
    inputs.remove(s);
    bool attached = !s->flows.empty();
    delete s;
    return attached ? FAKE_MISUSE : RMX_OK;
}
/* The packets of the chunk before are free from here on. A chunk is contiguous: it ends where the ring does. */
rmx_status rmx_input_get_next_chunk(rmx_input_chunk_handle *h) {
    HOT("rmx_input_get_next_chunk");
    counters["looks"]++;
    fake_stream *s = h->stream;
    bool kept = fault("overwrite") != RMX_OK;
    for (size_t i = 0; i < s->taken; i++) {
        size_t slot = (s->read + s->in.capacity - s->taken + i) % s->in.capacity;
        s->full[slot] = false;
        for (size_t b = 0; b < s->in.blocks && !kept; b++) /* so that a reader who still looks at it is seen */
            memset(&s->blocks[b][slot * s->in.stride[b]], 0xEE, s->in.stride[b]);
    }
    size_t count = std::min({s->unread, s->most, s->in.capacity - s->read});
    h->completion.count = s->taken = count;
    for (size_t b = 0; b < s->in.blocks; b++)
        h->completion.parts[b] = count ? &s->blocks[b][s->read * s->in.stride[b]] : nullptr;
    h->packets = &s->told[s->read % s->in.capacity];
    s->read = (s->read + count) % s->in.capacity;
    s->unread -= count;
    return (rmx_status)fault("checksum");
}

void rmx_output_media_init_mem_blocks(rmx_output_media_mem_block *b, size_t n) { memset(b, 0, n * sizeof *b); }
void rmx_output_media_init(rmx_output_media_stream_params *p) { memset(p, 0, sizeof *p); }
rmx_status rmx_output_media_create_stream(const rmx_output_media_stream_params *p, rmx_stream_id *id) {
    STEP("rmx_output_media_create_stream");
    auto *stream = new fake_stream;
    bool sound = p->blocks && p->packets_per_chunk && p->packets_per_frame && p->stride && read_sdp(stream, p);
    for (size_t i = 0; sound && i < p->blocks; i++)
        sound = p->memory[i].blocks == 1 && p->memory[i].chunks * p->packets_per_chunk % p->packets_per_frame == 0;
    if (!sound || !is_device(stream->from.sin_addr)) {
        int status = sound ? FAKE_NO_DEVICE : FAKE_MISUSE;
        delete stream;
        return (rmx_status)status;
    }
    stream->out = *p;
    stream->chunks = p->blocks * p->memory[0].chunks;
    stream->strides.resize(stream->chunks * p->packets_per_chunk * p->stride);
    stream->sizes.resize(p->packets_per_chunk);
    counters["dscp"] = p->dscp;
    *id = stream;
    return RMX_OK;
}
rmx_status rmx_output_media_get_next_chunk(rmx_output_media_chunk_handle *h) {
    HOT("rmx_output_media_get_next_chunk");
    fake_stream *s = h->stream;
    if (s->acquired) return FAKE_MISUSE;
    if (s->out.memory[0].layout ? false : !h->packets) return FAKE_MISUSE;
    s->acquired = true;
    h->strides = &s->strides[s->chunk * s->out.packets_per_chunk * s->out.stride];
    h->sizes = s->sizes.data();
    return RMX_OK;
}
rmx_status rmx_output_media_commit_chunk(const rmx_output_media_chunk_handle *h, uint64_t at_ns) {
    HOT("rmx_output_media_commit_chunk");
    fake_stream *s = h->stream;
    if (!s->acquired) return FAKE_MISUSE;
    s->acquired = false;
    if (at_ns) counters["committed for"] = at_ns, counters["frames with a time"]++;
    const uint16_t *layout = s->out.memory[0].layout;
    size_t first = s->chunk % s->out.memory[0].chunks * s->out.packets_per_chunk;
    size_t count = layout ? s->out.packets_per_chunk : h->packets;
    for (size_t i = 0; i < count; i++) carry(s, h->strides + i * s->out.stride, layout ? layout[first + i] : s->sizes[i]);
    s->chunk = (s->chunk + 1) % s->chunks;
    return RMX_OK;
}
rmx_status rmx_output_media_skip_chunks(const rmx_output_media_chunk_handle *h, size_t count) {
    STEP("rmx_output_media_skip_chunks");
    fake_stream *s = h->stream;
    size_t chunks_of_a_frame = s->out.packets_per_frame / s->out.packets_per_chunk;
    if (s->acquired || (s->chunk + count) % chunks_of_a_frame) return FAKE_MISUSE; /* only ever to where a frame begins */
    s->chunk = (s->chunk + count) % s->chunks;
    return RMX_OK;
}
rmx_status rmx_output_media_cancel_unsent_chunks(const rmx_output_media_chunk_handle *) {
    STEP("rmx_output_media_cancel_unsent_chunks");
    return RMX_OK;
}
rmx_status rmx_output_media_destroy_stream(rmx_stream_id s) {
    STEP("rmx_output_media_destroy_stream");
    delete s;
    return RMX_OK;
}

rmx_status rmx_retrieve_device_iface_ipv4(rmx_device_iface *d, const in_addr *a) {
    STEP("rmx_retrieve_device_iface_ipv4");
    d->address = *a;
    return is_device(*a) ? RMX_OK : FAKE_NO_DEVICE;
}
rmx_status rmx_use_ptp_clock(const rmx_ptp_clock_params *p) {
    STEP("rmx_use_ptp_clock");
    if (!p->device) return FAKE_MISUSE;
    ptp = true;
    return RMX_OK;
}
rmx_status rmx_check_clock_steady(void) { STEP("rmx_check_clock_steady"); return ptp ? RMX_OK : FAKE_MISUSE; }
rmx_status rmx_get_time(rmx_time_type, uint64_t *ns) {
    HOT("rmx_get_time");
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    *ns = ahead_ns ? (uint64_t)(now.tv_sec * 1000000000LL + now.tv_nsec + ahead_ns) : ptp_ns;
    ptp_ns += 1000; /* so that waiting for an instant ends */
    return RMX_OK;
}
}
