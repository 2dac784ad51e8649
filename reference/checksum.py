"""temporary"""
def ocsum(data: bytes) -> int:
    if len(data) & 1: data += b"\0"
    x = int.from_bytes(data, "big") % 0xFFFF
    return x
def internet_checksum(data: bytes, start: int = 0) -> int:
    x = (ocsum(data) + start) % 0xFFFF
    return (~x) & 0xFFFF if x else (0xFFFF if not any(data) and not start else 0)
def pseudo(src: bytes, dst: bytes, n: int) -> bytes:
    if len(src) == 4: return src + dst + bytes([0, 6]) + n.to_bytes(2, "big")
    return src + dst + n.to_bytes(4, "big") + bytes([0, 0, 0, 6])
def tcp_checksum(src: bytes, dst: bytes, seg: bytes) -> int:
    return internet_checksum(pseudo(src, dst, len(seg)) + seg)
