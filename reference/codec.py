"""temporary"""
from __future__ import annotations
import struct
from dataclasses import dataclass
from wireproof.reference.segment import Segment
from wireproof.reference.checksum import internet_checksum, tcp_checksum, pseudo, ocsum

@dataclass
class Malformed:
    reason: str

@dataclass
class Icmp:
    src: bytes
    dst: bytes
    version: int
    type: int
    code: int
    quoted: tuple | None
    mtu: int = 0

def encode(s: Segment) -> bytes:
    opts = s.options + bytes(-len(s.options) % 4)
    h = struct.pack("!HHIIHHHH", s.sport, s.dport, s.seq, s.ack, ((5 + len(opts) // 4) << 12) | s.reserved << 8 | s.ctl, s.wnd, 0, s.up) + opts + s.data
    ck = tcp_checksum(s.src, s.dst, h)
    h = h[:16] + ck.to_bytes(2, "big") + h[18:]
    if len(s.src) == 4:
        ip = struct.pack("!BBHHHBBH4s4s", 0x45, s.tos, 20 + len(h), s.ident, 0x4000, s.ttl, 6, 0, s.src, s.dst)
        c = internet_checksum(ip)
        return ip[:10] + c.to_bytes(2, "big") + ip[12:] + h
    return struct.pack("!IHBB16s16s", 6 << 28 | s.tos << 20, len(h), 6, s.ttl, s.src, s.dst) + h

def decode(p: bytes):
    try:
        v = p[0] >> 4
        if v == 4:
            ihl = (p[0] & 15) * 4
            tl = int.from_bytes(p[2:4], "big")
            if ihl < 20 or tl > len(p): return Malformed("short")
            if ocsum(p[:ihl]) % 0xFFFF: return Malformed("IPv4 header checksum")
            tos, ident, ttl, proto = p[1], int.from_bytes(p[4:6], "big"), p[8], p[9]
            src, dst, b = p[12:16], p[16:20], p[ihl:tl]
            if int.from_bytes(p[6:8], "big") & 0x3FFF: return Malformed("fragment")
        elif v == 6:
            tos = (int.from_bytes(p[:2], "big") >> 4) & 255
            proto, ttl, ident = p[6], p[7], 0
            src, dst, b = p[8:24], p[24:40], p[40:40 + int.from_bytes(p[4:6], "big")]
        else:
            return Malformed("version")
        if proto in (1, 58):
            if len(b) < 8: return Malformed("icmp")
            q = decode_quoted(b[8:])
            mtu = int.from_bytes(b[6:8], "big") if v == 4 else int.from_bytes(b[4:8], "big")
            return Icmp(src, dst, v, b[0], b[1], q, mtu)
        if proto != 6: return Malformed("proto")
        if len(b) < 20: return Malformed("short")
        sp, dp, seq, ack, of, wnd, ck, up = struct.unpack_from("!HHIIHHHH", b)
        n = (of >> 12) * 4
        s = Segment(src, dst, sp, dp, seq, ack, of & 255, wnd, up, ttl=ttl, tos=tos, ident=ident, reserved=of >> 8 & 15)
        s.checksum_ok = ocsum(pseudo(src, dst, len(b)) + b) == 0
        if n < 20 or n > len(b): s.header_ok = False; return s
        s.options = b[20:n]; s.data = b[n:]
        i = 0; o = s.options
        while i < len(o):
            k = o[i]
            if k == 0:
                s.padding_ok = not any(o[i:]); break
            if k == 1: i += 1; continue
            if i + 1 >= len(o) or o[i+1] < 2 or i + o[i+1] > len(o) or (k == 2 and o[i+1] != 4): s.options_ok = False; break
            if k == 2: s.mss = int.from_bytes(o[i+2:i+4], "big")
            i += o[i+1]
        return s
    except Exception as e:
        return Malformed(str(e))

def decode_quoted(q):
    if len(q) < 28: return None
    if q[0] >> 4 == 4:
        ihl = (q[0] & 15) * 4
        b = q[ihl:]
        return (q[12:16], q[16:20], int.from_bytes(b[:2], "big"), int.from_bytes(b[2:4], "big"), int.from_bytes(b[4:8], "big"))
    b = q[40:]
    return (q[8:24], q[24:40], int.from_bytes(b[:2], "big"), int.from_bytes(b[2:4], "big"), int.from_bytes(b[4:8], "big"))

def encode_icmp(src, dst, kind, code, quoted, mtu=0):
    if len(src) == 4:
        b = struct.pack("!BBHHH", kind, code, 0, 0, mtu) + quoted[:28]
        b = b[:2] + internet_checksum(b).to_bytes(2, "big") + b[4:]
        ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(b), 0, 0, 64, 1, 0, src, dst)
        return ip[:10] + internet_checksum(ip).to_bytes(2, "big") + ip[12:] + b
    b = struct.pack("!BBHI", kind, code, 0, mtu) + quoted[:1200]
    ps = src + dst + len(b).to_bytes(4, "big") + bytes([0, 0, 0, 58])
    b = b[:2] + internet_checksum(ps + b).to_bytes(2, "big") + b[4:]
    return struct.pack("!IHBB16s16s", 6 << 28, len(b), 58, 64, src, dst) + b
