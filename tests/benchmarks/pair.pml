/* Two TCP endpoints over a channel that loses, duplicates and reorders: the rules of spec/rules/tcp that the scenarios
   of conformance/scenarios.py without aborts meet, written again by hand for SPIN.

   The same abstraction as conformance/endpoint.py: numbers count from each end's initial sequence number, windows are
   wide open, a timer that runs may end at any time, an acknowledgment that may wait waits for its timer. Each user
   sends one octet at most, so that the text is number 1. One step of the model is one transition of ours.

   Set by -D: SCENARIO (below), CHANNEL, LOSS, DUP. */

#ifndef SCENARIO
#define SCENARIO OPENING
#endif
#ifndef CHANNEL
#define CHANNEL 2
#endif
#ifndef LOSS
#define LOSS 1
#endif
#ifndef DUP
#define DUP 1
#endif

#define OPENING 1
#define SIMULTANEOUS_OPEN 2
#define CLOSING 3
#define ANY_CLOSE 4
#define SIMULTANEOUS_CLOSE 5

#define MOST (CHANNEL + 4)	/* pairs.SURPLUS */

/* states */
#define CLOSED 0
#define LISTEN 1
#define SYN_SENT 2
#define SYN_RECEIVED 3
#define ESTABLISHED 4
#define FIN_WAIT_1 5
#define FIN_WAIT_2 6
#define CLOSE_WAIT 7
#define CLOSING_ 8
#define LAST_ACK 9
#define TIME_WAIT 10

/* segments: kind, SEG.SEQ and SEG.ACK, each 0 to 3, in an octet */
#define SYN 1
#define SYNACK 2
#define ACK 3
#define TEXT 4
#define FIN 5
#define TEXTFIN 6
#define RST 7
#define SEGMENT(kind, seq, ack) ((kind) * 16 + (seq) * 4 + (ack))

typedef Channel { byte n; byte m[MOST + 2] };

Channel sent[2];	/* in flight, by sender, in ascending order, 0 beyond n */
byte st[2], una[2], nxt[2], rcv[2], made[2];
bit text[2], fin[2], fin_known[2], ack_runs[2], unacked[2];
bit got[2], told[2];
byte loss = LOSS, dup = DUP;
bit unheard;

byte kind, seq, ackno, size, x, y;
byte at_once, drop;

#define no_room (sent[0].n >= CHANNEL || sent[1].n >= CHANNEL)
#define end_number(e) (1 + text[e])
#define fin_sent(e) (fin[e] && nxt[e] == end_number(e) + 1)
#define synchronized(e) (st[e] >= ESTABLISHED)
#define retransmits(e) (una[e] != nxt[e] && st[e] != TIME_WAIT && st[e] != CLOSED && st[e] != LISTEN)

inline put(e, m_)
{
	x = 0;
	do
	:: x < sent[e].n && sent[e].m[x] <= m_ -> x++
	:: else -> break
	od;
	y = sent[e].n;
	do
	:: y > x -> sent[e].m[y] = sent[e].m[y - 1]; y--
	:: else -> break
	od;
	sent[e].m[x] = m_;
	sent[e].n++;
	y = 0
}

inline take(e, i)
{
	y = i;
	do
	:: y + 1 < sent[e].n -> sent[e].m[y] = sent[e].m[y + 1]; y++
	:: else -> break
	od;
	sent[e].n--;
	sent[e].m[sent[e].n] = 0;
	y = 0
}

/* whatever carries ACK acknowledges all there is (after send, acknowledges) */
inline say(e, kind_, seq_)
{
	ack_runs[e] = 0;
	unacked[e] = 0;
	put(e, SEGMENT(kind_, seq_, rcv[e]))
}

/* procedure shut, and what is forgotten in CLOSED */
inline shut(e)
{
	st[e] = CLOSED;
	una[e] = 0; nxt[e] = 0; rcv[e] = 0;
	text[e] = 0; fin[e] = 0; fin_known[e] = 0; ack_runs[e] = 0; unacked[e] = 0
}

/* step 5, acknowledgment */
inline take_ack(e)
{
	if
	:: ackno > nxt[e] -> at_once = 1; drop = 1
	:: else ->
		if
		:: st[e] != TIME_WAIT && una[e] < ackno -> una[e] = ackno
		:: else
		fi;
		if
		:: fin[e] && una[e] == end_number(e) + 1 ->
			if
			:: st[e] == FIN_WAIT_1 -> st[e] = FIN_WAIT_2
			:: st[e] == CLOSING_ -> st[e] = TIME_WAIT
			:: st[e] == LAST_ACK -> shut(e); drop = 1
			:: else
			fi
		:: else
		fi
	fi
}

/* steps 7 and 8 in states in which the peer may still send */
inline take_text_and_fin(e)
{
	if
	:: kind == TEXT || kind == TEXTFIN ->
		assert(seq <= rcv[e]);
		if
		:: seq == rcv[e] -> rcv[e]++; unacked[e] = 1; got[e] = 1
		:: else
		fi;
		if
		:: !unacked[e] -> at_once = 1
		:: else -> ack_runs[e] = 1
		fi
	:: else
	fi;
	if
	:: kind == FIN -> x = seq
	:: kind == TEXTFIN -> x = seq + 1
	:: else -> x = 255
	fi;
	if
	:: x == rcv[e] || (fin_known[e] && rcv[e] == 2) ->	/* a FIN that is held stands behind the octet */
		rcv[e]++;
		fin_known[e] = 0;
		ack_runs[e] = 1;
		if
		:: st[e] == ESTABLISHED || st[e] == SYN_RECEIVED -> st[e] = CLOSE_WAIT
		:: st[e] == FIN_WAIT_1 -> st[e] = CLOSING_
		:: else -> st[e] = TIME_WAIT
		fi
	:: x != 255 && x > rcv[e] -> fin_known[e] = 1; assert(x == 2); at_once = 1
	:: else
	fi;
	x = 0
}

inline arrives_reset(e)
{
	if
	:: seq != rcv[e] -> at_once = 1
	:: seq == rcv[e] && st[e] == SYN_RECEIVED -> assert(false)
	:: else ->
		if
		:: st[e] <= CLOSE_WAIT -> told[e] = 1
		:: else
		fi;
		shut(e)
	fi
}

inline arrives_synchronized(e)
{
	size = (kind == SYN || kind == SYNACK || kind == TEXT || kind == FIN -> 1 : (kind == TEXTFIN -> 2 : 0));
	if
	:: (size == 0 && seq < rcv[e]) || (size > 0 && seq + size - 1 < rcv[e]) ->
		if
		:: kind != RST -> at_once = 1
		:: else
		fi
	:: else ->
		if
		:: kind == RST -> arrives_reset(e)
		:: else ->
			assert(kind != SYN && kind != SYNACK);
			if
			:: st[e] == SYN_RECEIVED ->
				if
				:: una[e] < ackno && ackno <= nxt[e] -> una[e] = ackno; st[e] = (fin[e] -> FIN_WAIT_1 : ESTABLISHED)
				:: else -> put(e, SEGMENT(RST, ackno, 0)); drop = 1
				fi
			:: else -> take_ack(e)
			fi;
			if
			:: !drop && st[e] >= ESTABLISHED && st[e] <= FIN_WAIT_2 -> take_text_and_fin(e)
			:: else
			fi
		fi
	fi
}

inline arrives(e, m_)
{
	kind = m_ / 16; seq = (m_ / 4) % 4; ackno = m_ % 4;
	at_once = 0; drop = 0;
	if
	:: st[e] == CLOSED ->
		if
		:: kind == RST
		:: else -> assert(kind != SYN); put(e, SEGMENT(RST, ackno, 0))
		fi
	:: st[e] == LISTEN ->
		if
		:: kind == RST
		:: kind == SYN -> st[e] = SYN_RECEIVED; rcv[e] = 1; nxt[e] = 1; say(e, SYNACK, 0)
		:: else -> put(e, SEGMENT(RST, ackno, 0))
		fi
	:: st[e] == SYN_SENT ->
		if
		:: kind == RST
		:: kind == SYN -> st[e] = SYN_RECEIVED; rcv[e] = 1; say(e, SYNACK, 0)
		:: kind == SYNACK && ackno == 1 -> st[e] = ESTABLISHED; rcv[e] = 1; una[e] = 1; at_once = 1
		:: kind > SYNACK && kind < RST && ackno == 1
		:: else -> put(e, SEGMENT(RST, ackno, 0))
		fi
	:: else -> arrives_synchronized(e)
	fi;
	if
	:: at_once -> say(e, ACK, nxt[e])
	:: else
	fi;
	check()
}

inline retransmit(e)
{
	if
	:: st[e] == SYN_SENT -> put(e, SEGMENT(SYN, 0, 0))
	:: st[e] == SYN_RECEIVED || (st[e] > SYN_RECEIVED && una[e] == 0) -> say(e, SYNACK, 0)
	:: else ->
		if
		:: text[e] && una[e] == 1 && fin_sent(e) -> say(e, TEXTFIN, 1)
		:: text[e] && una[e] == 1 && !fin_sent(e) -> say(e, TEXT, 1)
		:: else -> say(e, FIN, una[e])
		fi
	fi
}

/* what must hold in each state */
inline check()
{
	if
	:: synchronized(0) && synchronized(1) ->
		assert(una[0] <= rcv[1] && rcv[1] <= nxt[0] && una[1] <= rcv[0] && rcv[0] <= nxt[1])
	:: else
	fi;
	assert(sent[0].n <= MOST && sent[1].n <= MOST);
	assert(!told[0] && !told[1])
}

/* ---- scenarios: at which of a user's calls (made) what is done; 9 is never */

#if SCENARIO == OPENING
#define OPENS(e) ((e) == 0 -> 0 : 9)
#define SENDS(e) ((e) == 0 -> 1 : 9)
#define CLOSES(e) 9
#define MAY_CLOSE(e) false
#define QUIET (st[0] == ESTABLISHED && st[1] == ESTABLISHED && got[1])
#elif SCENARIO == SIMULTANEOUS_OPEN
#define OPENS(e) 9
#define SENDS(e) ((e) == 0 -> 0 : 9)
#define CLOSES(e) 9
#define MAY_CLOSE(e) false
#define QUIET (st[0] == ESTABLISHED && st[1] == ESTABLISHED && got[1])
#elif SCENARIO == SIMULTANEOUS_CLOSE
#define OPENS(e) 9
#define SENDS(e) 9
#define CLOSES(e) 9
#define MAY_CLOSE(e) false
#define QUIET (st[0] == CLOSED && st[1] == CLOSED)
#else
#define OPENS(e) 9
#define SENDS(e) 0
#define CLOSES(e) 1
#if SCENARIO == CLOSING
#define MAY_CLOSE(e) (st[e] == CLOSE_WAIT || ((e) == 0 && st[e] == ESTABLISHED))
#else
#define MAY_CLOSE(e) (st[e] == CLOSE_WAIT || st[e] == ESTABLISHED)
#endif
#define QUIET (st[0] == CLOSED && st[1] == CLOSED && got[0] && got[1])
#endif

inline begin()
{
#if SCENARIO == OPENING
	st[1] = LISTEN
#elif SCENARIO == SIMULTANEOUS_OPEN
	st[0] = SYN_SENT; nxt[0] = 1; put(0, SEGMENT(SYN, 0, 0));
	st[1] = SYN_SENT; nxt[1] = 1; put(1, SEGMENT(SYN, 0, 0))
#elif SCENARIO == SIMULTANEOUS_CLOSE
	st[0] = FIN_WAIT_1; una[0] = 1; rcv[0] = 1; fin[0] = 1; nxt[0] = 2; put(0, SEGMENT(FIN, 1, 1));
	st[1] = FIN_WAIT_1; una[1] = 1; rcv[1] = 1; fin[1] = 1; nxt[1] = 2; put(1, SEGMENT(FIN, 1, 1))
#else
	st[0] = ESTABLISHED; una[0] = 1; nxt[0] = 1; rcv[0] = 1;
	st[1] = ESTABLISHED; una[1] = 1; nxt[1] = 1; rcv[1] = 1
#endif
}

/* ---- what can happen */

/* the mark is part of a state of ours; SPIN leaves out a variable that is never read */
inline lose(e, i)
{
	if
	:: unheard || sent[e].m[i] / 16 == RST -> unheard = 1
	:: else
	fi;
	take(e, i)
}

#define THERE(e, i) (i < sent[e].n && (i == 0 || sent[e].m[i] != sent[e].m[(i == 0 -> 0 : i - 1)]))

#define MAY_SEND(e) (st[e] == ESTABLISHED || st[e] == CLOSE_WAIT)
#define NOTHING_COMES(e) (sent[0].n == 0 && sent[1].n == 0 && !retransmits(1 - (e)))

#define ARRIVAL(e, i) \
	:: d_step { THERE(1 - (e), i) -> size = sent[1 - (e)].m[i]; take(1 - (e), i); arrives(e, size); clear() } \
	:: d_step { dup > 0 && THERE(1 - (e), i) -> dup--; size = sent[1 - (e)].m[i]; arrives(e, size); clear() } \
	:: d_step { loss > 0 && THERE(1 - (e), i) -> loss--; lose(1 - (e), i); clear() }

#define END(e) \
	:: d_step { !no_room && retransmits(e) -> retransmit(e); clear() } \
	:: d_step { !no_room && ack_runs[e] -> say(e, ACK, nxt[e]); clear() } \
	:: d_step { st[e] == TIME_WAIT && NOTHING_COMES(e) -> shut(e); clear() } \
	:: d_step { !no_room && made[e] == OPENS(e) && st[e] == CLOSED -> open(e); clear() } \
	:: d_step { !no_room && made[e] == SENDS(e) && MAY_SEND(e) -> send(e); clear() } \
	:: d_step { !no_room && made[e] == CLOSES(e) && MAY_CLOSE(e) -> close(e); clear() }

inline open(e)
{
	made[e]++;
	st[e] = SYN_SENT;
	nxt[e] = 1;
	put(e, SEGMENT(SYN, 0, 0))
}

inline send(e)
{
	made[e]++;
	text[e] = 1;
	say(e, TEXT, nxt[e]);
	nxt[e]++
}

inline close(e)
{
	made[e]++;
	fin[e] = 1;
	st[e] = (st[e] == ESTABLISHED -> FIN_WAIT_1 : LAST_ACK);
	say(e, FIN, nxt[e]);
	nxt[e]++
}

/* a step leaves nothing behind in the variables that it works with */
inline clear()
{
	kind = 0; seq = 0; ackno = 0; size = 0; x = 0; y = 0; at_once = 0; drop = 0
}

active proctype world()
{
	d_step { begin(); clear() };
	do
	ARRIVAL(0, 0)
	ARRIVAL(0, 1)
	ARRIVAL(0, 2)
	ARRIVAL(0, 3)
	ARRIVAL(0, 4)
	ARRIVAL(0, 5)
#if MOST > 6
	ARRIVAL(0, 6)
	ARRIVAL(1, 6)
#endif
#if MOST > 7
	ARRIVAL(0, 7)
	ARRIVAL(1, 7)
#endif
#if MOST > 8
#error more arrivals than the model has options for
#endif
	ARRIVAL(1, 0)
	ARRIVAL(1, 1)
	ARRIVAL(1, 2)
	ARRIVAL(1, 3)
	ARRIVAL(1, 4)
	ARRIVAL(1, 5)
	END(0)
	END(1)
	:: else -> assert(QUIET); break
	od
}
