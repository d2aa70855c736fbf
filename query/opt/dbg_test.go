package opt_test
import ("testing";"os";"fmt";"math/rand/v2"
"github.com/laminadb/lamina/query/opt"
"github.com/laminadb/lamina/query/plan")
func TestDbg(t *testing.T){
 text:=os.Getenv("Q"); if text=="" {t.Skip()}
 e:=fuzzEnv(t, rand.New(rand.NewPCG(1,1)))
 if os.Getenv("TPCH")!="" { e=tpchEnv(t) }
 s,err:=e.bindOne(text); if err!=nil {t.Fatal(formatError(err))}
 fmt.Println(plan.FormatRel(s.Root))
 q,err:=opt.Optimize(s,opt.Options{Stats:e.statsOf,Trace:func(r string,p plan.Rel){ if os.Getenv("TR")!="" {fmt.Println("--",r);fmt.Println(plan.FormatRel(p))}}})
 if err!=nil {t.Fatal(formatError(err))}
 fmt.Println(plan.FormatQuery(q,plan.FormatOptions{Costs:true}))
}
