import asyncio
from gateway.core.errors import DependencyFailed
from gateway.core.http1.response import read_response
from gateway.core.http1.chunked import *
from gateway.core.http1.fields import *
from gateway.ports import *

class Conn(asyncio.Protocol):
    def __init__(self, pool): self.pool=pool; self.ex=None; self.buf=b""; self.t=None
    def connection_made(self,t): self.t=t
    def pause_writing(self):
        if self.ex: self.ex.answer.pause_body()
    def resume_writing(self):
        if self.ex: self.ex.answer.resume_body()
    def data_received(self,data):
        ex=self.ex
        if ex is None: self.t.close(); return
        if ex.head is None:
            self.buf+=data
            e=self.buf.find(b"\r\n\r\n")
            if e<0: return
            ex.head=read_response(self.buf[:e], ex.req.method)
            data=self.buf[e+4:]; self.buf=b""
            ex.left=ex.head.length
            if ex.left==CHUNKED: ex.ch=ChunkedReader()
            ex.answer.started(ex.head)
            if ex.head.status==101: ex.left=UNTIL_CLOSE
        if ex.left==CHUNKED:
            for p in ex.ch.feed(data): ex.answer.received(p)
            if ex.ch.done: self.done(ex)
        elif ex.left==UNTIL_CLOSE:
            if data: ex.answer.received(data)
        else:
            if data: ex.left-=len(data); ex.answer.received(data)
            if ex.left==0: self.done(ex)
    def done(self, ex):
        self.ex=None; self.pool.append(self); ex.conn=None; ex.answer.ended()
    def connection_lost(self, exc):
        if self in self.pool: self.pool.remove(self)
        if self.ex:
            ex,self.ex=self.ex,None
            if ex.left==UNTIL_CLOSE: ex.answer.ended()
            else: ex.answer.failed(DependencyFailed("upstream","upstream_cut"))
class Ex:
    head=None; conn=None; left=0
    def __init__(s,req,answer): s.req=req; s.answer=answer; s.out=[]
    def send(s,p):
        if s.req.length==CHUNKED: p=write_chunk(p)
        if s.conn: s.conn.t.write(p)
        else: s.out.append(p)
    def finish(s):
        if s.req.length==CHUNKED: s.req=s.req._replace(length=-5); s.send(LAST_CHUNK)
    def pause_answer(s):
        if s.conn: s.conn.t.pause_reading()
    def resume_answer(s):
        if s.conn: s.conn.t.resume_reading()
    def abort(s):
        if s.conn: s.conn.ex=None; s.conn.t.abort()
class Upstreams:
    def __init__(self): self.pools={}
    async def open(self): pass
    async def close(self): pass
    def start(self, req, answer):
        ex=Ex(req,answer)
        u=req.route.upstreams[0]
        pool=self.pools.setdefault((u.host,u.port),[])
        if pool:
            c=pool.pop(); c.ex=ex; ex.conn=c; c.t.write(req.head)
        else:
            asyncio.create_task(self.conn(u,pool,ex))
        return ex
    async def conn(self,u,pool,ex):
        try: _,c=await asyncio.get_running_loop().create_connection(lambda: Conn(pool),u.host,u.port)
        except OSError:
            ex.answer.failed(DependencyFailed("upstream","upstream_connect")); return
        c.ex=ex; ex.conn=c; c.t.write(ex.req.head+b"".join(ex.out))
    async def forward(self, req, body):
        q=asyncio.Queue(); 
        class A:
            def started(s,h): q.put_nowait(h)
            def received(s,p): q.put_nowait(p)
            def ended(s): q.put_nowait(None)
            def failed(s,e): q.put_nowait(e)
            def pause_body(s): pass
            def resume_body(s): pass
        ex=self.start(req,A())
        if body:
            async for p in body: ex.send(p)
            ex.finish()
        h=await q.get()
        if isinstance(h,Exception): raise h
        async def it():
            while True:
                p=await q.get()
                if p is None: return
                if isinstance(p,Exception): raise p
                yield p
        return UpstreamResponse(h,it(),lambda: None)
