import tests.jobs.test_million as m
orig=m.samples
def s(settings, database, readers, *, every):
    f=orig(settings,database,readers,every=every)
    print(len(f), [round(x.memory/1e6,1) for x in f][::max(1,len(f)//20)], {x.descriptors for x in f})
    return f
m.samples=s
ob=m.bytes_stored
def b(d):
    x=ob(d); print("bytes",x); return x
m.bytes_stored=b
def test_x(sqlite, make_settings):
    import time
    t=time.time(); m.send(sqlite, make_settings, 40_000, every=0.1); print(time.time()-t)
