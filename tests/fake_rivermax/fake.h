/* A stand-in for the vendor's SDK, for tests: entry points of the same names over structures and numbers of our own.
 *
 * Nothing here is taken from the vendor's header, whose structures are private: a shim that compiles and works against this
 * file has its logic and its order of calls right, and has proved nothing about the vendor's ABI. Packets that an output
 * commits arrive at the inputs of the same process whose flow they match. As in the real header, some names are inline and the
 * exported symbols are others.
 */
#ifndef FAKE_RIVERMAX_H
#define FAKE_RIVERMAX_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    RMX_OK = 0, RMX_SIGNAL = 301, RMX_NO_FREE_CHUNK, RMX_HW_SEND_QUEUE_IS_FULL, RMX_HW_COMPLETION_ISSUE, RMX_CHECKSUM_ISSUE,
    RMX_BUSY, RMX_NOT_INITIALIZED, RMX_NOT_IMPLEMENTED, RMX_LICENSE_ISSUE, FAKE_NO_DEVICE = 401, FAKE_MISUSE
} rmx_status;

typedef enum { RMX_INPUT_APP_PROTOCOL_PACKET = 11 } rmx_input_stream_params_type;
typedef enum {
    RMX_INPUT_STREAM_CREATE_INFO_PER_PACKET = 21, RMX_INPUT_STREAM_RTP_SEQN_PLACEMENT_ORDER,
    RMX_INPUT_STREAM_RTP_EXT_SEQN_PLACEMENT_ORDER
} rmx_input_option;
typedef enum { RMX_TIME_PTP = 41 } rmx_time_type;

typedef struct fake_stream *rmx_stream_id;
typedef struct { unsigned major, minor; } rmx_version;
typedef struct {
    size_t entry[2], stride[2], capacity, blocks;
    struct sockaddr_in nic;
    unsigned options;
    int placed, laid_out;
} rmx_input_stream_params;
typedef struct { struct sockaddr_in local, remote; int ready, filtered; } rmx_input_flow;
typedef struct { size_t sizes[2]; } rmx_input_packet_info;
typedef struct { size_t count; const uint8_t *parts[2]; } rmx_input_completion;
typedef struct {
    rmx_stream_id stream;
    rmx_input_completion completion;
    const rmx_input_packet_info *packets;
} rmx_input_chunk_handle;
typedef struct { size_t blocks, chunks; const uint16_t *layout; } rmx_output_media_mem_block;
typedef struct {
    const char *sdp;
    rmx_output_media_mem_block *memory;
    size_t blocks, media, packets_per_chunk, packets_per_frame, stride;
    unsigned dscp;
} rmx_output_media_stream_params;
typedef struct { rmx_stream_id stream; uint8_t *strides; uint16_t *sizes; size_t packets; } rmx_output_media_chunk_handle;
typedef struct { struct in_addr address; } rmx_device_iface;
typedef struct { const rmx_device_iface *device; } rmx_ptp_clock_params;

/* What the tests ask of it: make a step fail `times` times with a status, and read back what was called, in order. */
void fake_inject(const char *step, int status, int times);
void fake_reset(void);
const char *fake_calls(void);
uint64_t fake_counter(const char *name);
void fake_set_time(uint64_t ns);
void fake_follow(int64_t ahead_ns);

#define _rmx_init _rmx_init_f1
#define rmx_cleanup rmx_cleanup_f1
#define rmx_input_create_stream rmx_input_create_stream_f1
#define rmx_input_get_next_chunk rmx_input_get_next_chunk_f1
#define rmx_output_media_create_stream rmx_output_media_create_stream_f1
#define rmx_output_media_commit_chunk rmx_output_media_commit_chunk_f1

rmx_status _rmx_init(const rmx_version *);
rmx_status rmx_cleanup(void);
const char *rmx_get_version_string(void);
rmx_status rmx_set_cpu_affinity(const uint64_t *, size_t);
static inline void rmx_mark_cpu_for_affinity(uint64_t *mask, size_t cpu) { mask[cpu / 64] |= 1ULL << cpu % 64; }
static inline rmx_status rmx_init(void) { rmx_version v = {9, 9}; return _rmx_init(&v); }

void rmx_input_init_stream(rmx_input_stream_params *, rmx_input_stream_params_type);
void rmx_input_set_stream_nic_address(rmx_input_stream_params *, const struct sockaddr *);
void rmx_input_enable_stream_option(rmx_input_stream_params *, rmx_input_option);
static inline void rmx_input_set_mem_capacity_in_packets(rmx_input_stream_params *p, size_t n) { p->capacity = n; }
static inline void rmx_input_set_mem_sub_block_count(rmx_input_stream_params *p, size_t n) { p->blocks = n; }
static inline void rmx_input_set_entry_uniform_size(rmx_input_stream_params *p, size_t i, size_t n) {
    p->entry[i] = n;
}
rmx_status rmx_input_determine_mem_layout(rmx_input_stream_params *);
static inline size_t rmx_input_get_stride_size(const rmx_input_stream_params *p, size_t i) { return p->stride[i]; }
rmx_status rmx_input_create_stream(const rmx_input_stream_params *, rmx_stream_id *);
rmx_status rmx_input_set_completion_moderation(rmx_stream_id, size_t, size_t, int);
void rmx_input_init_flow(rmx_input_flow *);
void rmx_input_set_flow_local_addr(rmx_input_flow *, const struct sockaddr *);
void rmx_input_set_flow_remote_addr(rmx_input_flow *, const struct sockaddr *);
rmx_status rmx_input_attach_flow(rmx_stream_id, const rmx_input_flow *);
rmx_status rmx_input_detach_flow(rmx_stream_id, const rmx_input_flow *);
rmx_status rmx_input_destroy_stream(rmx_stream_id);
static inline void rmx_input_init_chunk_handle(rmx_input_chunk_handle *h, rmx_stream_id s) {
    h->stream = s; h->completion.count = 0;
}
rmx_status rmx_input_get_next_chunk(rmx_input_chunk_handle *);
static inline const rmx_input_completion *rmx_input_get_chunk_completion(const rmx_input_chunk_handle *h) {
    return &h->completion;
}
static inline size_t rmx_input_get_completion_chunk_size(const rmx_input_completion *c) { return c->count; }
static inline const void *rmx_input_get_completion_ptr(const rmx_input_completion *c, size_t i) {
    return c->parts[i];
}
static inline const rmx_input_packet_info *rmx_input_get_packet_info(const rmx_input_chunk_handle *h, size_t i) {
    return h->packets + i;
}
static inline size_t rmx_input_get_packet_size(const rmx_input_packet_info *p, size_t i) { return p->sizes[i]; }

void rmx_output_media_init_mem_blocks(rmx_output_media_mem_block *, size_t);
static inline void rmx_output_media_set_sub_block_count(rmx_output_media_mem_block *b, size_t n) { b->blocks = n; }
static inline void rmx_output_media_set_chunk_count(rmx_output_media_mem_block *b, size_t n) { b->chunks = n; }
static inline void rmx_output_media_set_packet_layout(rmx_output_media_mem_block *b, size_t i, const uint16_t *s) {
    if (!i) b->layout = s;
}
void rmx_output_media_init(rmx_output_media_stream_params *);
static inline void rmx_output_media_assign_mem_blocks(
    rmx_output_media_stream_params *p, rmx_output_media_mem_block *b, size_t n) {
    p->memory = b; p->blocks = n;
}
static inline void rmx_output_media_set_sdp(rmx_output_media_stream_params *p, const char *sdp) { p->sdp = sdp; }
static inline void rmx_output_media_set_idx_in_sdp(rmx_output_media_stream_params *p, uint8_t i) { p->media = i; }
static inline void rmx_output_media_set_packets_per_chunk(rmx_output_media_stream_params *p, size_t n) {
    p->packets_per_chunk = n;
}
static inline void rmx_output_media_set_packets_per_frame(rmx_output_media_stream_params *p, size_t n) {
    p->packets_per_frame = n;
}
static inline void rmx_output_media_set_stride_size(rmx_output_media_stream_params *p, size_t i, size_t n) {
    if (!i) p->stride = n;
}
static inline void rmx_output_media_set_dscp(rmx_output_media_stream_params *p, uint8_t d) { p->dscp = d; }
rmx_status rmx_output_media_create_stream(const rmx_output_media_stream_params *, rmx_stream_id *);
static inline void rmx_output_media_init_chunk_handle(rmx_output_media_chunk_handle *h, rmx_stream_id s) {
    h->stream = s; h->packets = 0;
}
static inline void rmx_output_media_set_chunk_packet_count(rmx_output_media_chunk_handle *h, size_t n) {
    h->packets = n;
}
rmx_status rmx_output_media_get_next_chunk(rmx_output_media_chunk_handle *);
static inline void *rmx_output_media_get_chunk_strides(const rmx_output_media_chunk_handle *h, size_t) {
    return h->strides;
}
static inline uint16_t *rmx_output_media_get_chunk_packet_sizes(const rmx_output_media_chunk_handle *h, size_t) {
    return h->sizes;
}
rmx_status rmx_output_media_commit_chunk(const rmx_output_media_chunk_handle *, uint64_t);
rmx_status rmx_output_media_skip_chunks(const rmx_output_media_chunk_handle *, size_t);
rmx_status rmx_output_media_cancel_unsent_chunks(const rmx_output_media_chunk_handle *);
rmx_status rmx_output_media_destroy_stream(rmx_stream_id);

rmx_status rmx_retrieve_device_iface_ipv4(rmx_device_iface *, const struct in_addr *);
static inline void rmx_init_ptp_clock(rmx_ptp_clock_params *p) { p->device = 0; }
static inline void rmx_set_ptp_clock_device(rmx_ptp_clock_params *p, const rmx_device_iface *d) { p->device = d; }
rmx_status rmx_use_ptp_clock(const rmx_ptp_clock_params *);
rmx_status rmx_check_clock_steady(void);
rmx_status rmx_get_time(rmx_time_type, uint64_t *);

#ifdef __cplusplus
}
#endif
#endif
