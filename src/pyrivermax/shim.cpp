/* Rivermax behind an ABI of our own: packets in and out as columns, a clock, and the step that failed.
 *
 * Compiled against the header and library of the vendor's SDK on the machine that has them (`python -m pyrivermax build`);
 * the vendor's structures, inline accessors and versioned symbols end in this file. It is C++ because the vendor's public
 * examples are, but uses no library of C++ and throws nothing. Nothing here knows what a packet means.
 *
 * Functions that can fail take a Fault and fill it; they return less than nought then. One thread at a time uses a stream.
 */

#include <rivermax_api.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

const uint32_t ABI = 3;                 /* pyrivermax/shim.py asks for the same number */
const int64_t FAILED = -1, CLOSED = -2, OTHER_LAYOUT = -3;
const int64_t IDLE_NS = 200000;         /* between two looks at an idle ring; the vendor's examples sleep 300 µs */
const int64_t FULL_NS = 50000;          /* between two tries at a full send queue: about three lines of 1080p60 */
const uint64_t AHEAD_NS = 5000;         /* a commit for an instant nearer than some 600 ns is refused: it is made for now */
const int64_t LEAVE_NS = 2000000000;    /* for which a stream that is still sending is waited for when it is closed */
const int64_t NS_PER_S = 1000000000;
const size_t MOST_PACKETS = 512;        /* of one chunk: its slots are free again when all of them are read */
const size_t CACHE_LINE = 64;
const int32_t MOST_CPUS = 1024;

}

struct Fault {
    int32_t status;
    char step[60];
};

struct InputSpec {
    const char *nic, *destination, *source; /* IPv4 addresses; source is empty when any sender will do */
    uint32_t port;
    uint32_t order;                         /* 0: as packets come; 1: placed by the RTP sequence; 2: by the extended one */
    uint32_t capacity;                      /* packets of the ring */
    uint32_t header_octets;                 /* of each packet, in a block of their own; 0 keeps packets whole */
    uint32_t packet_octets;                 /* room for one packet, headers and all */
};

struct Rows {
    uint8_t *octets;
    int32_t *lengths;
    int64_t capacity, stride;
    uint64_t checksum_issues; /* added to: chunks of which the card said that a checksum was wrong */
};

struct OutputSpec {
    const char *sdp;
    const uint16_t *sizes;      /* octets of each packet of a frame; null: told with every chunk */
    uint32_t media;             /* which m= of the SDP, from 0 */
    uint32_t blocks;            /* of memory */
    uint32_t frames_per_block;
    uint32_t packets_per_frame; /* a multiple of packets_per_chunk */
    uint32_t packets_per_chunk;
    uint32_t largest;           /* octets of the largest packet */
    uint32_t dscp;
};

struct Packets {
    const uint8_t *headers, *payload;
    const int64_t *offsets, *lengths;
    int64_t count, header_octets;
};

struct Input {
    rmx_stream_id stream;
    rmx_input_flow flow;
    rmx_input_chunk_handle chunk;
    const uint8_t *parts[2];  /* of the chunk in hand: where its blocks begin */
    size_t strides[2];
    uint32_t blocks;
    size_t next, held;        /* packets of the chunk in hand: handed on, and all */
};

struct Output {
    rmx_stream_id stream;
    rmx_output_media_chunk_handle chunk;
    rmx_output_media_mem_block *memory;
    uint16_t *sizes;
    size_t packets_per_frame, packets_per_chunk, largest, stride;
    bool dynamic;
    bool acquired;            /* a chunk of a frame that was given up is filled and not yet committed */
    size_t owed;              /* and so many chunks of that frame come after it */
};

namespace {

pthread_mutex_t users_lock = PTHREAD_MUTEX_INITIALIZER;
int users = 0;
int by_ptp = 0; /* the library's clock, and so the times of commits, are TAI; any thread may look */

int64_t fail(Fault *fault, const char *step, int status) {
    fault->status = status;
    snprintf(fault->step, sizeof fault->step, "%s", step);
    return FAILED;
}

int64_t now_ns() {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

void rest(int64_t ns) {
    timespec span = {(time_t)(ns / NS_PER_S), (long)(ns % NS_PER_S)};
    nanosleep(&span, nullptr);
}

bool address(const char *text, uint32_t port, sockaddr_in *out) {
    memset(out, 0, sizeof *out);
    out->sin_family = AF_INET;
    out->sin_port = htons((uint16_t)port);
    return inet_pton(AF_INET, text, &out->sin_addr) == 1;
}

size_t least(int64_t a, int64_t b) { return (size_t)(a < b ? a : b); }

rmx_status bind(int32_t cpu) {
    uint64_t mask[MOST_CPUS / 64] = {};
    rmx_mark_cpu_for_affinity(mask, (size_t)cpu);
    return rmx_set_cpu_affinity(mask, (size_t)cpu + 1);
}

/* The parameters of a stream, up to where its memory is laid out: the vendor's own order. */
rmx_status lay_out(const InputSpec *spec, sockaddr_in *nic, Input *input, rmx_input_stream_params *params) {
    rmx_input_init_stream(params, RMX_INPUT_APP_PROTOCOL_PACKET);
    rmx_input_set_stream_nic_address(params, reinterpret_cast<sockaddr *>(nic));
    rmx_input_enable_stream_option(params, RMX_INPUT_STREAM_CREATE_INFO_PER_PACKET);
    if (spec->order == 1) rmx_input_enable_stream_option(params, RMX_INPUT_STREAM_RTP_SEQN_PLACEMENT_ORDER);
    if (spec->order == 2) rmx_input_enable_stream_option(params, RMX_INPUT_STREAM_RTP_EXT_SEQN_PLACEMENT_ORDER);
    rmx_input_set_mem_capacity_in_packets(params, spec->capacity);
    input->blocks = spec->header_octets ? 2 : 1;
    rmx_input_set_mem_sub_block_count(params, input->blocks);
    if (spec->header_octets) rmx_input_set_entry_uniform_size(params, 0, spec->header_octets);
    rmx_input_set_entry_uniform_size(params, input->blocks - 1, spec->packet_octets - spec->header_octets);
    return rmx_input_determine_mem_layout(params);
}

int64_t attach(const InputSpec *spec, Input *input, sockaddr_in *to, sockaddr_in *from, Fault *fault) {
    rmx_status status = rmx_input_set_completion_moderation(input->stream, 0, MOST_PACKETS, 0);
    if (status != RMX_OK) return fail(fault, "rmx_input_set_completion_moderation", status);
    rmx_input_init_flow(&input->flow);
    rmx_input_set_flow_local_addr(&input->flow, reinterpret_cast<sockaddr *>(to));
    if (*spec->source) rmx_input_set_flow_remote_addr(&input->flow, reinterpret_cast<sockaddr *>(from));
    status = rmx_input_attach_flow(input->stream, &input->flow);
    if (status != RMX_OK) return fail(fault, "rmx_input_attach_flow", status);
    rmx_input_init_chunk_handle(&input->chunk, input->stream);
    return 0;
}

/* Take the next chunk in hand; 1 when the library wants to be left alone for now (a signal), 0, or FAILED. */
int64_t take(Input *input, Rows *rows, Fault *fault) {
    input->next = input->held = 0;
    rmx_status status = rmx_input_get_next_chunk(&input->chunk);
    if (status == RMX_SIGNAL) return 1;
    if (status == RMX_CHECKSUM_ISSUE) rows->checksum_issues++; /* the vendor's receiver counts it and goes on */
    else if (status != RMX_OK) return fail(fault, "rmx_input_get_next_chunk", status);
    const rmx_input_completion *completion = rmx_input_get_chunk_completion(&input->chunk);
    if (!completion) return 0;
    input->held = rmx_input_get_completion_chunk_size(completion);
    for (uint32_t block = 0; block < input->blocks && input->held; block++)
        input->parts[block] = (const uint8_t *)(rmx_input_get_completion_ptr(completion, block));
    return 0;
}

/* Join the parts of packets in hand to rows, from row `got` on; rows filled. A slot without octets holds no packet. */
int64_t join(Input *input, const Rows *rows, int64_t got) {
    for (; input->next < input->held && got < rows->capacity; input->next++) {
        const rmx_input_packet_info *told = rmx_input_get_packet_info(&input->chunk, input->next);
        uint8_t *row = rows->octets + got * rows->stride;
        int64_t length = 0;
        for (uint32_t block = 0; block < input->blocks; block++) {
            int64_t size = (int64_t)rmx_input_get_packet_size(told, block);
            int64_t room = rows->stride - length;
            if (room > 0) memcpy(row + length, input->parts[block] + input->next * input->strides[block], least(size, room));
            length += size;
        }
        if (!length) continue;
        rows->lengths[got++] = (int32_t)length;
    }
    return got;
}

/* Acquire the next chunk of the send ring; waits for a free one until `deadline`. 1: got it, 0: none, FAILED. */
int64_t acquire(Output *output, int64_t deadline, Fault *fault) {
    for (;;) {
        rmx_status status = rmx_output_media_get_next_chunk(&output->chunk);
        output->acquired = status == RMX_OK;
        if (output->acquired) return 1;
        if (status != RMX_NO_FREE_CHUNK && status != RMX_SIGNAL) return fail(fault, "rmx_output_media_get_next_chunk", status);
        if (now_ns() >= deadline) return 0;
        rest(FULL_NS);
    }
}

int64_t commit(Output *output, uint64_t at_ns, int64_t deadline, Fault *fault) {
    for (;;) {
        rmx_status status = rmx_output_media_commit_chunk(&output->chunk, at_ns);
        output->acquired = status != RMX_OK;
        if (!output->acquired) return 1;
        if (status != RMX_HW_SEND_QUEUE_IS_FULL && status != RMX_SIGNAL)
            return fail(fault, "rmx_output_media_commit_chunk", status);
        if (now_ns() >= deadline) return 0;
        rest(FULL_NS);
    }
}

/* Commit what was acquired of a frame that was given up, and pass over the rest: the next begins where its memory does. */
int64_t settle(Output *output, int64_t deadline, Fault *fault) {
    int64_t settled = output->acquired ? commit(output, 0, deadline, fault) : 1;
    if (settled <= 0) return settled;
    while (output->owed) {
        rmx_status status = rmx_output_media_skip_chunks(&output->chunk, output->owed);
        if (status == RMX_OK) output->owed = 0;
        else if (status != RMX_NO_FREE_CHUNK && status != RMX_SIGNAL)
            return fail(fault, "rmx_output_media_skip_chunks", status);
        else if (now_ns() >= deadline) return 0;
        else rest(FULL_NS);
    }
    return 1;
}

/* The time to commit a chunk for: nought, which is now, where the library's clock is not TAI or the instant is too near. */
uint64_t due(uint64_t tai_ns) {
    uint64_t now = 0;
    if (!tai_ns || !__atomic_load_n(&by_ptp, __ATOMIC_RELAXED) || rmx_get_time(RMX_TIME_PTP, &now) != RMX_OK) return 0;
    return tai_ns > now + AHEAD_NS ? tai_ns : 0;
}

bool fits(const Output *output, const Packets *packets) {
    if (output->dynamic) {
        for (int64_t i = 0; i < packets->count; i++)
            if ((size_t)(packets->header_octets + packets->lengths[i]) > output->largest) return false;
        return true;
    }
    if (packets->count % (int64_t)output->packets_per_frame) return false;
    for (int64_t i = 0; i < packets->count; i++)
        if (packets->header_octets + packets->lengths[i] != output->sizes[i % (int64_t)output->packets_per_frame]) return false;
    return true;
}

/* Write packets from `first` on to the strides of the chunk in hand. */
void fill(Output *output, const Packets *packets, int64_t first, size_t count) {
    uint8_t *stride = (uint8_t *)(rmx_output_media_get_chunk_strides(&output->chunk, 0));
    uint16_t *sizes = output->dynamic ? rmx_output_media_get_chunk_packet_sizes(&output->chunk, 0) : nullptr;
    for (size_t i = 0; i < count; i++, stride += output->stride) {
        int64_t packet = first + (int64_t)i;
        memcpy(stride, packets->headers + packet * packets->header_octets, (size_t)packets->header_octets);
        memcpy(stride + packets->header_octets, packets->payload + packets->offsets[packet], (size_t)packets->lengths[packet]);
        if (sizes) sizes[i] = (uint16_t)(packets->header_octets + packets->lengths[packet]);
    }
}

rmx_status create(const OutputSpec *spec, Output *output) {
    const uint32_t chunks = spec->frames_per_block * (spec->packets_per_frame / spec->packets_per_chunk);
    rmx_output_media_init_mem_blocks(output->memory, spec->blocks);
    for (uint32_t block = 0; block < spec->blocks; block++) {
        rmx_output_media_set_sub_block_count(&output->memory[block], 1);
        rmx_output_media_set_chunk_count(&output->memory[block], chunks);
        if (!output->dynamic) rmx_output_media_set_packet_layout(&output->memory[block], 0, output->sizes);
    }
    rmx_output_media_stream_params params;
    rmx_output_media_init(&params);
    rmx_output_media_assign_mem_blocks(&params, output->memory, spec->blocks);
    rmx_output_media_set_sdp(&params, spec->sdp);
    rmx_output_media_set_idx_in_sdp(&params, (uint8_t)spec->media);
    rmx_output_media_set_packets_per_chunk(&params, spec->packets_per_chunk);
    rmx_output_media_set_stride_size(&params, 0, output->stride);
    rmx_output_media_set_packets_per_frame(&params, spec->packets_per_frame);
    rmx_output_media_set_dscp(&params, (uint8_t)spec->dscp);
    return rmx_output_media_create_stream(&params, &output->stream);
}

void give_memory_back(Output *output) {
    free(output->memory);
    free(output->sizes);
    free(output);
}

}

EXPORT uint32_t relip_rmx_abi() { return ABI; }

EXPORT const char *relip_rmx_version() { return rmx_get_version_string(); }

/* The name of a status that a reader can do something about; empty for the others, whose number is enough to look up. */
EXPORT const char *relip_rmx_name(int32_t status) {
    switch (status) {
    case RMX_LICENSE_ISSUE: return "RMX_LICENSE_ISSUE";
    case RMX_NOT_INITIALIZED: return "RMX_NOT_INITIALIZED";
    case RMX_NOT_IMPLEMENTED: return "RMX_NOT_IMPLEMENTED";
    case RMX_BUSY: return "RMX_BUSY";
    case RMX_HW_COMPLETION_ISSUE: return "RMX_HW_COMPLETION_ISSUE";
    default: return "";
    }
}

/* Start the library for one more user of this process, its own thread on processor `cpu`, or on any when that is negative. */
EXPORT int64_t relip_rmx_enter(int32_t cpu, Fault *fault) {
    pthread_mutex_lock(&users_lock);
    const char *step = "rmx_set_cpu_affinity";
    rmx_status status = users || cpu < 0 || cpu >= MOST_CPUS ? RMX_OK : bind(cpu);
    if (status == RMX_OK) {
        step = "rmx_init";
        status = users ? RMX_OK : rmx_init();
    }
    if (status == RMX_OK) users++;
    pthread_mutex_unlock(&users_lock);
    return status == RMX_OK ? 0 : fail(fault, step, status);
}

/* The last user stops the library. */
EXPORT int64_t relip_rmx_leave(Fault *fault) {
    pthread_mutex_lock(&users_lock);
    bool last = users > 0 && --users == 0;
    if (last) __atomic_store_n(&by_ptp, 0, __ATOMIC_RELAXED);
    rmx_status status = last ? rmx_cleanup() : RMX_OK;
    pthread_mutex_unlock(&users_lock);
    return status == RMX_OK ? 0 : fail(fault, "rmx_cleanup", status);
}

EXPORT Input *relip_rmx_input_open(const InputSpec *spec, Fault *fault) {
    sockaddr_in nic, to, from;
    if (!address(spec->nic, 0, &nic) || !address(spec->destination, spec->port, &to) ||
        !address(*spec->source ? spec->source : "0.0.0.0", 0, &from))
        return fail(fault, "inet_pton", 0), nullptr;
    Input *input = static_cast<Input *>(calloc(1, sizeof *input));
    if (!input) return fail(fault, "calloc", 0), nullptr;
    rmx_input_stream_params params;
    rmx_status status = lay_out(spec, &nic, input, &params);
    if (status != RMX_OK) return free(input), fail(fault, "rmx_input_determine_mem_layout", status), nullptr;
    for (uint32_t block = 0; block < input->blocks; block++) input->strides[block] = rmx_input_get_stride_size(&params, block);
    status = rmx_input_create_stream(&params, &input->stream);
    if (status != RMX_OK) return free(input), fail(fault, "rmx_input_create_stream", status), nullptr;
    if (attach(spec, input, &to, &from, fault) < 0) {
        rmx_input_destroy_stream(input->stream);
        return free(input), nullptr;
    }
    return input;
}

/* Fill rows from the first on: wait up to `wait_ns` for a packet, then up to `gather_ns` for more; rows filled.
 * CLOSED as soon as `*closed` is not nought. A signal ends the call with what has come.
 */
EXPORT int64_t relip_rmx_input_receive(
    Input *input, Rows *rows, int64_t wait_ns, int64_t gather_ns, const volatile uint8_t *closed, Fault *fault) {
    int64_t deadline = now_ns() + wait_ns, got = 0;
    for (;;) {
        if (*closed) return CLOSED;
        int64_t before = got;
        got = join(input, rows, got);
        if (got == rows->capacity) return got;
        if (got && !before) deadline = now_ns() + gather_ns;
        int64_t interrupted = take(input, rows, fault);
        if (interrupted < 0) return got ? got : FAILED;
        if (input->held) continue;
        int64_t left = deadline - now_ns();
        if (left <= 0) return got;
        rest((int64_t)least(left, IDLE_NS));
        if (interrupted) return got;
    }
}

EXPORT int64_t relip_rmx_input_close(Input *input, Fault *fault) {
    rmx_status detached = rmx_input_detach_flow(input->stream, &input->flow);
    rmx_status destroyed = rmx_input_destroy_stream(input->stream);
    free(input);
    if (detached != RMX_OK && detached != RMX_SIGNAL) return fail(fault, "rmx_input_detach_flow", detached);
    return destroyed == RMX_OK ? 0 : fail(fault, "rmx_input_destroy_stream", destroyed);
}

EXPORT Output *relip_rmx_output_open(const OutputSpec *spec, Fault *fault) {
    Output *output = static_cast<Output *>(calloc(1, sizeof *output));
    if (!output) return fail(fault, "calloc", 0), nullptr;
    output->dynamic = !spec->sizes;
    output->packets_per_frame = spec->packets_per_frame;
    output->packets_per_chunk = spec->packets_per_chunk;
    output->largest = spec->largest;
    output->stride = (spec->largest + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
    output->memory = static_cast<rmx_output_media_mem_block *>(calloc(spec->blocks, sizeof *output->memory));
    output->sizes = static_cast<uint16_t *>(calloc(spec->frames_per_block * spec->packets_per_frame, sizeof *output->sizes));
    if (!output->memory || !output->sizes) return give_memory_back(output), fail(fault, "calloc", 0), nullptr;
    for (uint32_t frame = 0; spec->sizes && frame < spec->frames_per_block; frame++)
        memcpy(output->sizes + frame * spec->packets_per_frame, spec->sizes, spec->packets_per_frame * sizeof *output->sizes);
    rmx_status status = create(spec, output);
    if (status != RMX_OK) return give_memory_back(output), fail(fault, "rmx_output_media_create_stream", status), nullptr;
    rmx_output_media_init_chunk_handle(&output->chunk, output->stream);
    return output;
}

/* Copy packets into the ring and commit them chunk by chunk; how many were committed. The first chunk is to leave at
 * `tai_ns`, or at once when that is nought, past, or of another clock than the library's. Fewer than given when the ring
 * stays full for `patience_ns`: the rest of that frame is then passed over. OTHER_LAYOUT: not whole frames of the sizes
 * agreed on.
 */
EXPORT int64_t relip_rmx_output_send(
    Output *output, const Packets *packets, uint64_t tai_ns, int64_t patience_ns, Fault *fault) {
    if (!fits(output, packets)) return OTHER_LAYOUT;
    int64_t deadline = now_ns() + patience_ns;
    int64_t ready = settle(output, deadline, fault);
    if (ready <= 0) return ready;
    const size_t chunks = output->packets_per_frame / output->packets_per_chunk;
    int64_t sent = 0, done = 1;
    for (size_t chunk = 0; sent < packets->count; chunk = (chunk + 1) % chunks) {
        size_t count = least(packets->count - sent, (int64_t)output->packets_per_chunk);
        if (output->dynamic) rmx_output_media_set_chunk_packet_count(&output->chunk, count);
        done = acquire(output, deadline, fault);
        if (done > 0) {
            fill(output, packets, sent, count);
            done = commit(output, sent ? 0 : due(tai_ns), deadline, fault);
        }
        if (done <= 0) {
            output->owed = output->acquired ? chunks - chunk - 1 : (chunks - chunk) % chunks;
            return done < 0 && !sent ? done : sent;
        }
        sent += (int64_t)count;
    }
    return sent;
}

EXPORT int64_t relip_rmx_output_close(Output *output, Fault *fault) {
    rmx_output_media_cancel_unsent_chunks(&output->chunk);
    int64_t deadline = now_ns() + LEAVE_NS;
    rmx_status status = rmx_output_media_destroy_stream(output->stream);
    while (status == RMX_BUSY && now_ns() < deadline) {
        rest(IDLE_NS);
        status = rmx_output_media_destroy_stream(output->stream);
    }
    if (status == RMX_BUSY) return fail(fault, "rmx_output_media_destroy_stream", status); /* the card still reads the memory */
    give_memory_back(output);
    return status == RMX_OK ? 0 : fail(fault, "rmx_output_media_destroy_stream", status);
}

/* Let the library, and so the committed times, follow the PTP clock of the card that has this address. */
EXPORT int64_t relip_rmx_clock_use(const char *nic, int64_t patience_ns, Fault *fault) {
    sockaddr_in at;
    if (!address(nic, 0, &at)) return fail(fault, "inet_pton", 0);
    rmx_device_iface device;
    rmx_status status = rmx_retrieve_device_iface_ipv4(&device, &at.sin_addr);
    if (status != RMX_OK) return fail(fault, "rmx_retrieve_device_iface_ipv4", status);
    rmx_ptp_clock_params params;
    rmx_init_ptp_clock(&params);
    rmx_set_ptp_clock_device(&params, &device);
    status = rmx_use_ptp_clock(&params);
    if (status != RMX_OK) return fail(fault, "rmx_use_ptp_clock", status);
    int64_t deadline = now_ns() + patience_ns;
    while ((status = rmx_check_clock_steady()) == RMX_BUSY && now_ns() < deadline) rest(IDLE_NS);
    if (status != RMX_OK) return fail(fault, "rmx_check_clock_steady", status);
    __atomic_store_n(&by_ptp, 1, __ATOMIC_RELAXED);
    return 0;
}

/* Nanoseconds of the PTP clock, which are TAI since the epoch. */
EXPORT int64_t relip_rmx_clock_now(Fault *fault) {
    uint64_t ns = 0;
    rmx_status status = rmx_get_time(RMX_TIME_PTP, &ns);
    return status == RMX_OK ? (int64_t)ns : fail(fault, "rmx_get_time", status);
}
